// The analogue-to-digital converter: A0 and the bandgap in turn, freely running, summed in its interrupt.
#pragma once

#include <stdint.h>

#include "supply.h"
#include "window.h"

constexpr uint8_t kBandgapSettling = 24;  // conversions: the bandgap is a weak source and needs 2 ms to be felt
constexpr uint8_t kCurrentSettling = 8;
// What a window takes beyond its own conversions, to look at the supply.
constexpr uint8_t kBetweenWindows = kBandgapSettling + kBandgapSamples + kCurrentSettling;

struct Window {
  uint32_t sequence;  // counts windows from 0 and wraps to 0 after 2^32
  Sums sums;
  uint16_t bandgap_sum;
};

void sampler_begin(uint16_t length);

// The length of the windows after the one under way.
void sampler_set_length(uint16_t length);

// Takes the last finished window, once; false where there is none. A window not taken in time is lost, and the
// sequence tells.
bool sampler_take(Window &window);
