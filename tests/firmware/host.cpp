// The firmware's pure arithmetic, compiled for this machine and called by test_arithmetic.py.
#include "../../firmware/starling_meter/checksum.h"
#include "../../firmware/starling_meter/command.h"
#include "../../firmware/starling_meter/line.h"
#include "../../firmware/starling_meter/supply.h"
#include "../../firmware/starling_meter/tare.h"
#include "../../firmware/starling_meter/window.h"

#include <string.h>

extern "C" {

uint16_t checksum_of(const uint8_t *bytes, unsigned count) {
  uint16_t checksum = kChecksumStart;
  for (unsigned i = 0; i < count; ++i) checksum = checksum_add(checksum, bytes[i]);
  return checksum;
}

void line_of(char kind, const uint32_t *fields, unsigned count, char *text) {
  Line line(kind);
  for (unsigned i = 0; i < count; ++i) line.field(fields[i]);
  strcpy(text, line.finish());
}

Sums sums_of(const uint16_t *codes, unsigned count) {
  Sums sums = {0, 0, 0};
  for (unsigned i = 0; i < count; ++i) sums_add(sums, codes[i]);
  return sums;
}

uint16_t zero_of(uint32_t sum, uint32_t n) { return tare_zero({0, sum, n}); }

bool zero_is_plausible(uint16_t zero) { return zero_plausible(zero); }

// Adds the window until the tare says it was the last, and tells how many that were.
unsigned windows_of_a_tare(Sums sums) {
  Tare tare;
  tare_begin(tare);
  unsigned windows = 1;
  while (!tare_add(tare, sums)) windows++;
  return windows;
}

uint16_t supply_of(uint16_t bandgap_sum) { return supply_millivolts(bandgap_sum); }

bool window_is_possible(uint16_t length) { return window_possible(length); }

Command command_of(const char *line) { return command_parse(line); }
}
