#include "serial_port.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <string.h>

#include "line.h"

namespace {

constexpr uint16_t kDivider = (F_CPU + 8 * kBaud) / (16 * kBaud) - 1;

char sending[Line::kCapacity + 1];
const char *volatile next_to_send = sending;

// The interrupt writes at the head, the main loop reads at the tail; empty if they are equal.
// Its size is sufficient for the time in which the main loop waits until a frame is sent.
constexpr uint8_t kRing = 64;
volatile char ring[kRing];
volatile uint8_t head = 0;
volatile uint8_t tail = 0;
volatile bool overflowed = false;

// The incomplete line, used only by the main loop.
char partial[kCommandCapacity + 1];
uint8_t partial_length = 0;
bool damaged = false;

// Returns the completed line; false if it is empty.
bool end_line(char (&line)[kCommandCapacity + 1]) {
  if (damaged || overflowed) {
    partial[0] = '?';
    partial_length = 1;
  }
  partial[partial_length] = '\0';
  memcpy(line, partial, sizeof line);
  const bool any = partial_length > 0;
  partial_length = 0;
  damaged = false;
  overflowed = false;
  return any;
}

}  // namespace

ISR(USART_UDRE_vect) {
  const char *next = next_to_send;
  if (*next == '\0') {
    UCSR0B &= ~_BV(UDRIE0);
  } else {
    UDR0 = *next;
    next_to_send = next + 1;
  }
}

ISR(USART_RX_vect) {
  const char character = UDR0;
  const uint8_t next = (head + 1) % kRing;
  if (next == tail) {
    overflowed = true;
  } else {
    ring[head] = character;
    head = next;
  }
}

void serial_begin() {
  UBRR0 = kDivider;
  UCSR0A = 0;
  UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
  UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
}

void serial_send(const char *text) {
  while (UCSR0B & _BV(UDRIE0)) sleep_mode();
  strncpy(sending, text, sizeof sending - 1);
  next_to_send = sending;
  UCSR0B |= _BV(UDRIE0);
}

bool serial_take(char (&line)[kCommandCapacity + 1]) {
  while (tail != head) {
    const char character = ring[tail];
    tail = (tail + 1) % kRing;
    if (character == '\n') {
      if (end_line(line)) return true;
    } else if (partial_length < kCommandCapacity) {
      partial[partial_length++] = character;
    } else {
      damaged = true;
    }
  }
  return false;
}
