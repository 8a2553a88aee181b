#include "sampler.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

// Tests can start shortly before the overflow.
#ifndef FIRST_SEQUENCE
#define FIRST_SEQUENCE 0
#endif

static_assert(static_cast<uint32_t>(kBandgapSamples) * kCodeMax <= UINT16_MAX, "the bandgap's sum must fit");

namespace {

constexpr uint8_t kReference = _BV(REFS0);  // the supply, to which the sensor's output is proportional
constexpr uint8_t kCurrentChannel = kReference | 0;
constexpr uint8_t kBandgapChannel = kReference | _BV(MUX3) | _BV(MUX2) | _BV(MUX1);

volatile uint16_t next_length = kWindowDefault;
volatile bool fresh = false;
Window finished;

// Owned by the interrupt.
Window filling;
uint16_t length;
uint8_t skip;
uint8_t bandgap_n;

void begin_window() {
  ADMUX = kCurrentChannel;
  skip = kCurrentSettling;
  length = next_length;
  filling.sums = {0, 0, 0};
}

void begin_bandgap() {
  ADMUX = kBandgapChannel;
  skip = kBandgapSettling;
  filling.bandgap_sum = 0;
  bandgap_n = 0;
}

void finish_window() {
  finished = filling;
  fresh = true;
  filling.sequence++;
}

}  // namespace

ISR(ADC_vect) {
  const uint16_t code = ADC;
  if (skip > 0) {
    skip--;
  } else if (filling.sums.n < length) {
    sums_add(filling.sums, code);
    if (filling.sums.n == length) begin_bandgap();
  } else {
    filling.bandgap_sum += code;
    if (++bandgap_n == kBandgapSamples) {
      finish_window();
      begin_window();
    }
  }
}

void sampler_begin(uint16_t window_length) {
  next_length = window_length;
  filling.sequence = FIRST_SEQUENCE;
  begin_window();
  DIDR0 = _BV(ADC0D);
  ADCSRB = 0;  // free running
  // 16 MHz / 128 = 125 kHz, 13 clocks per conversion: 9615 per second.
  ADCSRA = _BV(ADEN) | _BV(ADSC) | _BV(ADATE) | _BV(ADIE) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0);
}

void sampler_set_length(uint16_t window_length) {
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { next_length = window_length; }
}

bool sampler_take(Window &window) {
  bool taken = false;
  ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
    if (fresh) {
      window = finished;
      fresh = false;
      taken = true;
    }
  }
  return taken;
}
