// Sums over one window of conversions, and limits that exclude an overflow.
#pragma once

#include <stdint.h>

constexpr uint16_t kCodeMax = 1023;  // 10 bits

// Sending a frame takes at most 17 ms at 38400 baud; the shortest window is 25 ms.
constexpr uint16_t kWindowMin = 240;
constexpr uint16_t kWindowMax = 4000;
// 200 ms at 9615 conversions per second: ten periods of 50 Hz and twelve of 60 Hz, so that mains ripple cancels.
constexpr uint16_t kWindowDefault = 1923;

static_assert(static_cast<uint64_t>(kWindowMax) * kCodeMax * kCodeMax <= UINT32_MAX,
              "the sum of squares of the longest window at full scale must fit");

// Sums of the codes of a window. The reader subtracts the tare, so the sums are exact.
struct Sums {
  uint16_t n;
  uint32_t sum;
  uint32_t squares;
};

inline void sums_add(Sums &sums, uint16_t code) {
  sums.n++;
  sums.sum += code;
  sums.squares += static_cast<uint32_t>(code) * code;
}

inline bool window_possible(uint16_t length) { return length >= kWindowMin && length <= kWindowMax; }
