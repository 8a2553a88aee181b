// The supply voltage, from how large the 1.1 V bandgap looks against it.
#pragma once

#include <stdint.h>

constexpr uint16_t kBandgapMillivolts = 1100;  // nominal; a chip's own may be 1000 to 1200 (datasheet)
constexpr uint8_t kBandgapSamples = 32;

// Vcc = 1100 mV * 1024 / code, with the code as a mean of kBandgapSamples and rounded; 0 where nothing was measured.
inline uint16_t supply_millivolts(uint16_t bandgap_sum) {
  constexpr uint32_t kNumerator = static_cast<uint32_t>(kBandgapMillivolts) * 1024 * kBandgapSamples;
  if (bandgap_sum == 0) return 0;
  const uint32_t millivolts = (kNumerator + bandgap_sum / 2) / bandgap_sum;
  return millivolts > UINT16_MAX ? UINT16_MAX : static_cast<uint16_t>(millivolts);
}
