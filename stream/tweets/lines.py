"""Lines of a source, without their ends, in bounded memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stream.tweets.source import Source, open_source

MOST_RECORD_BYTES = 16_777_216
"""The longest line or JSON value that is read; a page of the X API with a hundred tweets has about 500,000 bytes."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Overlong:
    """A line or a value that was too long to be kept."""

    length_bytes: int


Line = bytes | Overlong


def read_lines(
    source: Source, longest_bytes: int = MOST_RECORD_BYTES, *, with_carriage_returns: bool = False
) -> Iterator[Line | None]:
    """Yield lines, and None where the source pauses and all lines that have arrived have been yielded.

    A line that the source was stopped in is left out.

    Args:
        source: The input.
        longest_bytes: Length of a line, at most; a longer one is yielded as Overlong.
        with_carriage_returns: Whether to keep the first half of the line ends of Windows.
    """
    for line in _split(source, longest_bytes):
        if isinstance(line, bytes) and not with_carriage_returns:
            yield line.removesuffix(b"\r")
        else:
            yield line


def _split(source: Source, longest_bytes: int) -> Iterator[Line | None]:
    parts: list[bytes] = []
    length_bytes = 0
    while True:
        if source.pauses():
            yield None
        content = source.read()
        if not content:
            break
        for number, part in enumerate(content.split(b"\n")):
            if number:
                yield _ended(parts, length_bytes)
                parts, length_bytes = [], 0
            length_bytes += len(part)
            if length_bytes <= longest_bytes:
                parts.append(part)
            else:
                parts.clear()
    if length_bytes and not source.stopped:
        yield _ended(parts, length_bytes)


def _ended(parts: list[bytes], length_bytes: int) -> Line:
    line = b"".join(parts)
    return line if len(line) == length_bytes else Overlong(length_bytes)


def without_byte_order_mark(content: bytes) -> bytes:
    """Remove the mark that some programs begin UTF-8 with."""
    return content.removeprefix(_BYTE_ORDER_MARK)


@contextmanager
def open_lines(name: str) -> Iterator[Iterator[bytes]]:
    """Open a file for its lines, whatever they are; lines of more than MOST_RECORD_BYTES are left out.

    Args:
        name: A path, or `-` for stdin.

    Raises:
        InputError: The file cannot be read.
    """
    with open_source(name) as source:
        yield (line for line in read_lines(source) if isinstance(line, bytes))
