// What the meter remembers without power.
#pragma once

#include <stdint.h>

struct Memory {
  uint16_t zero;    // the code of no current, in 64ths; 0: no tare was taken
  uint16_t window;  // conversions
  uint8_t variant;  // of the ACS712: 5, 20 or 30 A
};

// What was stored, or the defaults where nothing was or it is damaged.
Memory memory_load();

void memory_store(const Memory &memory);
