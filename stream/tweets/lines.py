"""Reads files of tweets line by line, from a path, a gzip file or stdin."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, cast

from stream.errors import InputError


@contextmanager
def open_lines(name: str) -> Iterator[Iterator[bytes]]:
    """Open a file for its lines, without their ends.

    Args:
        name: A path, `.gz` for a compressed file, or `-` for stdin.

    Raises:
        InputError: The file cannot be read.
    """
    with _input_errors(name):
        file = _open(name)
    with file as opened:
        yield _lines(opened, name)


def _lines(file: IO[bytes], name: str) -> Iterator[bytes]:
    with _input_errors(name):
        for line in file:
            yield line.rstrip(b"\r\n")


@contextmanager
def _input_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from error


def _open(name: str) -> "nullcontext[IO[bytes]] | IO[bytes]":
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    if name.endswith(".gz"):
        return cast("IO[bytes]", gzip.open(name, "rb"))
    return Path(name).open("rb")


def size_bytes(name: str) -> int | None:
    """How long a file is, for progress bars; None where that cannot be told beforehand."""
    path = Path(name)
    return path.stat().st_size if name != "-" and path.is_file() and path.suffix != ".gz" else None
