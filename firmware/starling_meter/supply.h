// The supply voltage, from the code of the 1.1 V bandgap with the supply as reference.
#pragma once

#include <stdint.h>

constexpr uint16_t kBandgapMillivolts = 1100;  // nominal; 1000 to 1200 according to the datasheet
constexpr uint8_t kBandgapSamples = 32;

// Vcc = 1100 mV * 1024 / code, rounded, with the code as the mean of kBandgapSamples; 0 if nothing was measured.
inline uint16_t supply_millivolts(uint16_t bandgap_sum) {
  constexpr uint32_t kNumerator = static_cast<uint32_t>(kBandgapMillivolts) * 1024 * kBandgapSamples;
  if (bandgap_sum == 0) return 0;
  const uint32_t millivolts = (kNumerator + bandgap_sum / 2) / bandgap_sum;
  return millivolts > UINT16_MAX ? UINT16_MAX : static_cast<uint16_t>(millivolts);
}
