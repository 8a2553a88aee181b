#include "memory.h"

#include <avr/eeprom.h>

#include "checksum.h"
#include "tare.h"
#include "window.h"

namespace {

constexpr Memory kDefaults = {kNoTare, kWindowDefault, 5};

struct Record {
  Memory memory;
  uint16_t checksum;
};

Record EEMEM stored;

uint16_t checksum_of(const Memory &memory) {
  const uint8_t *bytes = reinterpret_cast<const uint8_t *>(&memory);
  uint16_t checksum = kChecksumStart;
  for (uint8_t i = 0; i < sizeof memory; ++i) checksum = checksum_add(checksum, bytes[i]);
  return checksum;
}

}  // namespace

Memory memory_load() {
  Record record;
  eeprom_read_block(&record, &stored, sizeof record);
  return record.checksum == checksum_of(record.memory) ? record.memory : kDefaults;
}

void memory_store(const Memory &memory) {
  const Record record = {memory, checksum_of(memory)};
  eeprom_update_block(&record, &stored, sizeof record);
}
