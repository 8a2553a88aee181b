// A command is a letter and, for some letters, a number: "I", "W1923", "T", "T32800", "V20".
#pragma once

#include <stdint.h>

struct Command {
  char letter;  // '?': the line was not a command
  bool has_value;
  uint16_t value;
};

constexpr Command kNoCommand = {'?', false, 0};

// Parses a line without its newline; a carriage return at its end is ignored.
inline Command command_parse(const char *line) {
  Command command = {line[0], false, 0};
  if (command.letter < 'A' || command.letter > 'Z') return kNoCommand;
  uint32_t value = 0;
  for (const char *next = line + 1; *next != '\0' && *next != '\r'; ++next) {
    if (*next < '0' || *next > '9') return kNoCommand;
    value = value * 10 + static_cast<uint8_t>(*next - '0');
    if (value > UINT16_MAX) return kNoCommand;
    command.has_value = true;
  }
  command.value = static_cast<uint16_t>(value);
  return command;
}
