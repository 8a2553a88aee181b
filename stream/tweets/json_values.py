"""JSON values of a source that is one array, or several values one after another, in bounded memory."""

import re
from collections.abc import Iterator

from stream.errors import InputError
from stream.tweets.lines import MOST_RECORD_BYTES, Overlong
from stream.tweets.source import Source

_STRUCTURE = re.compile(rb'["\[\]{},]')
_IN_STRING = re.compile(rb'["\\]')
_AFTER_ARRAY = b" \t\r\n;"


def read_values(
    source: Source, *, in_array: bool, longest_bytes: int = MOST_RECORD_BYTES
) -> Iterator[bytes | Overlong | None]:
    """Yield the elements of an array, or the objects that follow each other; None where the source pauses.

    Nothing is parsed: an element that is not JSON is yielded as it is, as far as its brackets and quotes tell.

    Args:
        source: The input.
        in_array: Whether the input is one array; its bracket comes first.
        longest_bytes: Length of a value, at most; a longer one is yielded as Overlong.

    Raises:
        InputError: The source cannot be read, ends within a value, or goes on after the array.
    """
    splitter = _Splitter(int(in_array), longest_bytes)
    while True:
        if source.pauses():
            yield None
        content = source.read()
        if not content:
            break
        yield from splitter.feed(content, source.name)
    if not source.stopped:
        yield from splitter.finish(source.name)


class _Splitter:
    """Finds the ends of values at one depth of brackets."""

    def __init__(self, depth: int, longest_bytes: int) -> None:
        self._value_depth = depth
        self._longest_bytes = longest_bytes
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._ended = False
        self._value = bytearray()
        self._dropped_bytes = 0

    def feed(self, content: bytes, name: str) -> Iterator[bytes | Overlong]:
        """Yield the values that end in a piece of the input."""
        start = at = 0
        while at < len(content):
            if self._ended:
                self._check_rest(content[at:], name)
                return
            if self._in_string:
                at = self._leave_string(content, at)
                continue
            found = _STRUCTURE.search(content, at)
            if not found:
                break
            at = found.end()
            left_out = self._follow(found[0])
            if left_out is not None:
                self._keep(content[start : at - left_out])
                start = at
                yield from self._taken()
        if not self._ended:
            self._keep(content[start:])

    def finish(self, name: str) -> Iterator[bytes | Overlong]:
        """Yield what follows the last value, and check that the input is complete.

        Raises:
            InputError: It ends within a value.
        """
        yield from self._taken()
        if self._depth or self._in_string:
            raise InputError(f"{name} ends within a JSON value: it was cut short")

    def _follow(self, character: bytes) -> int | None:
        """Follow a structural character.

        Returns:
            Where a value ends: 1 before the character, 0 after it; None where it does not.
        """
        if character == b'"':
            self._in_string = True
        elif character == b",":
            return 1 if self._depth == self._value_depth else None
        elif character in b"[{":
            self._depth += 1
            return 1 if self._value_depth == self._depth else None  # the array's own bracket ends what is before it
        else:
            self._depth = max(0, self._depth - 1)
            self._ended = self._depth < self._value_depth
            return self._value_depth if self._depth == 0 else None
        return None

    def _leave_string(self, content: bytes, at: int) -> int:
        """Return the index after the string, or after the piece where the string goes on."""
        if self._escaped:
            self._escaped = False
            return at + 1
        found = _IN_STRING.search(content, at)
        if not found:
            return len(content)
        self._escaped = found[0] == b"\\"
        self._in_string = self._escaped
        return found.end()

    def _keep(self, part: bytes) -> None:
        if self._dropped_bytes or len(self._value) + len(part) > self._longest_bytes:
            self._dropped_bytes += len(self._value) + len(part)
            self._value.clear()
        else:
            self._value += part

    def _taken(self) -> Iterator[bytes | Overlong]:
        value = Overlong(self._dropped_bytes) if self._dropped_bytes else bytes(self._value).strip()
        self._value.clear()
        self._dropped_bytes = 0
        if value:
            yield value

    def _check_rest(self, rest: bytes, name: str) -> None:
        if rest.strip(_AFTER_ARRAY):
            raise InputError(f"{name} goes on after its JSON array")
