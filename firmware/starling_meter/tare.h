// The code at zero current, in 64ths of a code, averaged over several windows.
#pragma once

#include <stdint.h>

#include "window.h"

constexpr uint8_t kTareWindows = 16;        // 3.3 s with the default window
constexpr uint16_t kZeroScale = 64;
constexpr uint16_t kZeroNominal = 512 * kZeroScale;  // half the supply
constexpr uint16_t kNoTare = 0;
// The offset of the 5 A variant is up to 40 mV (8 codes); a larger difference means a load or a missing sensor.
constexpr uint16_t kZeroTolerance = 32 * kZeroScale;

static_assert(static_cast<uint64_t>(kTareWindows) * kWindowMax * kCodeMax <= UINT32_MAX, "the sum must fit");
static_assert(static_cast<uint64_t>(kTareWindows) * kWindowMax * (kZeroScale + 1) <= UINT32_MAX,
              "the scaled remainder of the division must fit");
static_assert(static_cast<uint32_t>(kCodeMax) * kZeroScale <= UINT16_MAX, "the zero must fit");

struct Tare {
  uint8_t left;  // remaining windows; 0: no measurement in progress
  uint32_t sum;
  uint32_t n;
};

inline void tare_begin(Tare &tare) { tare = {kTareWindows, 0, 0}; }

// Adds a window; returns true if it was the last one.
inline bool tare_add(Tare &tare, const Sums &sums) {
  if (tare.left == 0) return false;
  tare.sum += sums.sum;
  tare.n += sums.n;
  return --tare.left == 0;
}

// Returns the mean code in 64ths, rounded, without a product of more than 32 bits.
inline uint16_t tare_zero(const Tare &tare) {
  if (tare.n == 0) return kNoTare;
  const uint32_t whole = tare.sum / tare.n;
  const uint32_t rest = tare.sum % tare.n;
  return static_cast<uint16_t>(whole * kZeroScale + (rest * kZeroScale + tare.n / 2) / tare.n);
}

inline bool zero_plausible(uint16_t zero) {
  return zero >= kZeroNominal - kZeroTolerance && zero <= kZeroNominal + kZeroTolerance;
}
