// The analogue-to-digital converter: free-running, A0 and the bandgap in turn, summed in its interrupt.
#pragma once

#include <stdint.h>

#include "supply.h"
#include "window.h"

constexpr uint8_t kBandgapSettling = 24;  // conversions: the bandgap has a high impedance and settles in 2 ms
constexpr uint8_t kCurrentSettling = 8;
// Conversions between two windows, which measure the supply.
constexpr uint8_t kBetweenWindows = kBandgapSettling + kBandgapSamples + kCurrentSettling;

struct Window {
  uint32_t sequence;  // number of the window from 0; wraps to 0 after 2^32
  Sums sums;
  uint16_t bandgap_sum;
};

void sampler_begin(uint16_t length);

// Sets the length of the windows after the present one.
void sampler_set_length(uint16_t length);

// Returns the last finished window once; false if there is none. A window that is not taken in time is lost, which the
// sequence shows.
bool sampler_take(Window &window);
