// A line to send: "$" kind version "," fields "*" checksum "\n"; the checksum covers the text between "$" and "*".
#pragma once

#include <stdint.h>

#include "checksum.h"

constexpr char kProtocolVersion = '1';

class Line {
 public:
  // The longest is a frame: "$S1", then 10 + 4 + 4 + 7 + 10 + 5 digits with a comma each, then "*FFFF\n".
  static constexpr uint8_t kCapacity = 64;

  explicit Line(char kind) {
    put('$');
    put_with_checksum(kind);
    put_with_checksum(kProtocolVersion);
  }

  Line &field(uint32_t value) {
    char digits[10];
    uint8_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    put_with_checksum(',');
    while (count > 0) put_with_checksum(digits[--count]);
    return *this;
  }

  Line &field(const char *word) {
    put_with_checksum(',');
    while (*word != '\0') put_with_checksum(*word++);
    return *this;
  }

  // Ends the line; the returned text ends with a zero and is valid as long as the line.
  const char *finish() {
    put('*');
    for (int8_t shift = 12; shift >= 0; shift -= 4) put("0123456789ABCDEF"[(checksum_ >> shift) & 0xF]);
    put('\n');
    text_[length_] = '\0';
    return text_;
  }

 private:
  void put(char character) {
    if (length_ < kCapacity) text_[length_++] = character;
  }

  void put_with_checksum(char character) {
    put(character);
    checksum_ = checksum_add(checksum_, static_cast<uint8_t>(character));
  }

  char text_[kCapacity + 1];
  uint8_t length_ = 0;
  uint16_t checksum_ = kChecksumStart;
};
