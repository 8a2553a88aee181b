// Starling's power meter: an Arduino Uno that sums the codes of an ACS712 on A0 and sends the sums.
// The frames and commands are described in firmware/README.md.

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

#include "command.h"
#include "line.h"
#include "memory.h"
#include "sampler.h"
#include "serial_port.h"
#include "supply.h"
#include "tare.h"
#include "window.h"

static Memory memory;
static Tare tare;

// After a watchdog reset the watchdog stays enabled with its shortest timeout, so it must be disabled early.
void watchdog_off() __attribute__((naked, used, section(".init3")));
void watchdog_off() {
  MCUSR = 0;
  wdt_disable();
}

static void refuse(char letter, const char *reason) {
  const char word[] = {letter, '\0'};
  serial_send(Line('E').field(word).field(reason).finish());
}

static void send_identity() {
  Line line('I');
  line.field("starling-meter").field(memory.variant).field(memory.zero).field(memory.window);
  serial_send(line.finish());
}

static void send_window(const Window &window) {
  Line line('S');
  line.field(window.sequence)
      .field(window.sums.n + kBetweenWindows)
      .field(window.sums.n)
      .field(window.sums.sum)
      .field(window.sums.squares)
      .field(supply_millivolts(window.bandgap_sum));
  serial_send(line.finish());
}

static void answer_window(uint16_t length) {
  if (!window_possible(length)) return refuse('W', "range");
  memory.window = length;
  memory_store(memory);
  sampler_set_length(length);
  serial_send(Line('W').field(length).finish());
}

static void answer_variant(uint16_t amperes) {
  if (amperes != 5 && amperes != 20 && amperes != 30) return refuse('V', "range");
  memory.variant = static_cast<uint8_t>(amperes);
  memory_store(memory);
  serial_send(Line('V').field(amperes).finish());
}

static void answer_zero(uint16_t zero) {
  if (zero != kNoTare && !zero_plausible(zero)) return refuse('T', "range");
  memory.zero = zero;
  memory_store(memory);
  serial_send(Line('T').field(zero).finish());
}

static void answer(const Command &command) {
  if (command.letter == 'I' && !command.has_value) {
    send_identity();
  } else if (command.letter == 'W' && command.has_value) {
    answer_window(command.value);
  } else if (command.letter == 'V' && command.has_value) {
    answer_variant(command.value);
  } else if (command.letter == 'T' && command.has_value) {
    answer_zero(command.value);
  } else if (command.letter == 'T') {
    tare_begin(tare);  // answered after its windows
  } else {
    refuse(command.letter, "command");
  }
}

void setup() {
  memory = memory_load();
  set_sleep_mode(SLEEP_MODE_IDLE);
  serial_begin();
  sampler_begin(memory.window);
  wdt_enable(WDTO_1S);
  sei();
  send_identity();
}

void loop() {
  sleep_mode();  // until the next conversion
  Window window;
  if (sampler_take(window)) {
    wdt_reset();  // only here, so that a stopped converter or serial line causes a reset
    send_window(window);
    if (tare_add(tare, window.sums)) answer_zero(tare_zero(tare));
  }
  char line[kCommandCapacity + 1];
  if (serial_take(line)) answer(command_parse(line));
}
