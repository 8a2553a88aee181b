// The meter's settings, stored in the EEPROM.
#pragma once

#include <stdint.h>

struct Memory {
  uint16_t zero;    // code at zero current, in 64ths; 0: no tare
  uint16_t window;  // conversions
  uint8_t variant;  // variant of the ACS712: 5, 20 or 30 A
};

// Returns the stored settings, or the defaults if nothing is stored or the data is damaged.
Memory memory_load();

void memory_store(const Memory &memory);
