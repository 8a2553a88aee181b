"""The meter's lines: `$` kind version `,` fields `*` CRC-16 newline. firmware/README.md has the table.

A damaged line is counted by the reason, and reading continues with the next line.
"""

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

VERSION = 1
CODE_MAX = 1023
WINDOW_MAX = 4000
"""Conversions of the longest window whose sum of squares fits into the Uno's 32 bits."""
ZERO_SCALE = 64
"""The Uno stores its zero in 64ths of a code."""
_LINE_BYTES_MAX = 64
_CRC_START = 0xFFFF
_LINE = re.compile(rb"\$([A-Z])(\d)((?:,[A-Za-z0-9?-]{1,16})+)\*([0-9A-F]{4})")
_NUMBER = re.compile(r"0|[1-9]\d{0,9}")
_UINT32_MAX = 2**32 - 1
_UINT16_MAX = 2**16 - 1


class Rejection(StrEnum):
    """Reason for rejecting a line."""

    MALFORMED = "malformed"
    CHECKSUM = "checksum"
    VERSION = "version"
    IMPOSSIBLE = "impossible"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Sample:
    """Sums over one window."""

    sequence: int
    """Number of the window; wraps to 0 at 2**32."""
    period: int
    """Conversions from this window to the next: its own, and those for the supply voltage after it."""
    n: int
    """Conversions summed."""
    code_sum: int
    square_sum: int
    supply_millivolts: int
    """Measured with the bandgap's nominal 1.1 V; 0 if it could not be measured."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The meter's description of itself, sent on request and after each reset."""

    variant: int
    """The ACS712's range in amperes: 5, 20 or 30."""
    zero: float | None
    """Code at zero current; None without a tare."""
    window: int
    """Conversions in a window."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The value that a command has set: W the window, V the variant, T the zero in 64ths of a code."""

    command: str
    value: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Reason why a command was refused."""

    command: str
    reason: str


Frame = Sample | Identity | Answer | Refusal


class _UnreadableError(Exception):
    def __init__(self, reason: Rejection) -> None:
        super().__init__(reason)
        self.reason = reason


class FrameReader:
    """Splits a stream of bytes into frames.

    Args:
        rejected: Called with the reason for each invalid line. An invalid first line is ignored, since a port is
            usually opened in the middle of a line.
    """

    def __init__(self, rejected: Callable[[Rejection], None]) -> None:
        self._rejected = rejected
        self.rest = b""
        """The beginning of a line whose end was not received yet."""
        self._first = True
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that end in these bytes."""
        *lines, rest = (self.rest + data).split(b"\n")
        # The next frame can begin in the middle of noise, so only the end of an overlong line is kept.
        overlong = len(rest) > _LINE_BYTES_MAX
        self.rest = rest[-_LINE_BYTES_MAX:] if overlong else rest
        for line in lines:
            yield from self._read(line)
        self._too_long |= overlong

    def _read(self, line: bytes) -> Iterator[Frame]:
        before, dollar, text = line.rstrip(b"\r").rpartition(b"$")  # the text before it belongs to a torn line
        too_long, self._too_long = self._too_long or len(line) > _LINE_BYTES_MAX, False
        first, self._first = self._first, False
        try:
            yield parse(dollar + text)
        except _UnreadableError as error:
            if not first:
                self._rejected(Rejection.TOO_LONG if too_long else error.reason)
        else:
            if (before or too_long) and not first:
                self._rejected(Rejection.TOO_LONG if too_long else Rejection.MALFORMED)


def checksum(text: bytes) -> int:
    """Return the CRC-16/IBM-3740: polynomial 0x1021, initial value 0xFFFF."""
    return binascii.crc_hqx(text, _CRC_START)


def parse(line: bytes) -> Frame:
    """Parse a line, from its `$` to before its newline.

    Raises:
        _UnreadableError: It is not a frame.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        raise _UnreadableError(Rejection.MALFORMED)
    kind, version, fields, crc = (part.decode("ascii") for part in match.groups())
    if checksum(line[1 : match.start(4) - 1]) != int(crc, 16):
        raise _UnreadableError(Rejection.CHECKSUM)
    if int(version) != VERSION:
        raise _UnreadableError(Rejection.VERSION)
    return _frame(kind, fields.split(",")[1:])


def _frame(kind: str, fields: list[str]) -> Frame:
    match kind, fields:
        case "S", [_, _, _, _, _, _]:
            return _possible(Sample(*map(_number, fields)))
        case "I", ["starling-meter", variant, zero, window]:
            return Identity(_number(variant), _number(zero) / ZERO_SCALE or None, _number(window))
        case (("W" | "V" | "T"), [value]):
            return Answer(kind, _number(value))
        case "E", [command, reason]:
            return Refusal(command, reason)
    raise _UnreadableError(Rejection.MALFORMED)


def _number(field: str) -> int:
    if _NUMBER.fullmatch(field) is None:
        raise _UnreadableError(Rejection.MALFORMED)
    return int(field)


def _possible(sample: Sample) -> Sample:
    """Reject sums that codes from 0 to 1023 cannot have, in case a CRC matches by chance."""
    n, total, squares = sample.n, sample.code_sum, sample.square_sum
    holds = (
        sample.sequence <= _UINT32_MAX
        and 1 < n <= WINDOW_MAX
        and n <= sample.period <= n + WINDOW_MAX
        and total <= n * CODE_MAX
        and total * total <= n * squares  # the variance is not negative
        and squares <= total * CODE_MAX
        and sample.supply_millivolts <= _UINT16_MAX
    )
    if not holds:
        raise _UnreadableError(Rejection.IMPOSSIBLE)
    return sample
