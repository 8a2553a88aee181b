"""Sources: the bytes of a file, a pipe or stdin as they arrive, decompressed if their content is gzip."""

import io
import os
import select
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stream.errors import InputError
from stream.files import GZIP_MAGIC, Gunzip, unreadable

_CHUNK_BYTES = 65_536
_PAUSE_SECONDS = 0.05
"""An input that has nothing for this long pauses."""


class Source:
    """Bytes in the order of arrival.

    `stop` may be called from a signal handler or another thread, and ends the input at once.

    Args:
        name: The file's name for errors.
        file: The file, unbuffered if it has a descriptor.
    """

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name = name
        self.bytes_read = 0
        """Bytes read so far, before decompression."""
        self.stopped = False
        self._file = file
        self._descriptor = _descriptor(file)
        self._stop_pipe = os.pipe() if self._descriptor is not None else None
        self._pushed_back = b""
        self._gunzip: Gunzip | None = None
        self._started = False

    @property
    def size_bytes(self) -> int | None:
        """Size of a file; None for a pipe, a terminal and the like, whose size is unknown beforehand."""
        if self._descriptor is None:
            return None
        status = os.fstat(self._descriptor)
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def close(self) -> None:
        """Close what was opened here: not the file."""
        for descriptor in self._stop_pipe or ():
            os.close(descriptor)

    def stop(self) -> None:
        """End the input: what follows is not read."""
        self.stopped = True
        if self._stop_pipe:
            os.write(self._stop_pipe[1], b"\0")

    def push_back(self, content: bytes) -> None:
        """Put bytes in front of what follows."""
        self._pushed_back = content + self._pushed_back

    def pauses(self) -> bool:
        """Return whether there is nothing to read at the moment, after a short wait."""
        if self._pushed_back or (self._gunzip and not self._gunzip.needs_input):
            return False
        return not self._wait(_PAUSE_SECONDS)

    def read(self) -> bytes:
        """Return the bytes that are there, and wait for the first; none at the end.

        Raises:
            InputError: The source cannot be read, or its compressed data is damaged.
        """
        if self._pushed_back:
            content, self._pushed_back = self._pushed_back, b""
            return content
        try:
            if not self._started:
                self._started = True
                return self._begin()
            return self._decompressed(self._gunzip) if self._gunzip else self._raw()
        except (OSError, EOFError, zlib.error) as error:
            raise unreadable(self.name, error) from error

    def _begin(self) -> bytes:
        """Read the first bytes, which tell whether the content is compressed."""
        head = self._raw()
        while 0 < len(head) < len(GZIP_MAGIC) and (more := self._raw()):
            head += more
        if not head.startswith(GZIP_MAGIC):
            return head
        self._gunzip = Gunzip()
        return self._gunzip.feed(head, _CHUNK_BYTES) or self._decompressed(self._gunzip)

    def _decompressed(self, gunzip: Gunzip) -> bytes:
        while True:
            compressed = self._raw() if gunzip.needs_input else b""
            if not compressed and gunzip.needs_input:
                if not self.stopped:
                    gunzip.finish()
                return b""
            if content := gunzip.feed(compressed, _CHUNK_BYTES):
                return content

    def _raw(self) -> bytes:
        if self.stopped:
            return b""
        if self._descriptor is None:
            content = self._file.read(_CHUNK_BYTES)
        else:
            self._wait(None)
            content = b"" if self.stopped else os.read(self._descriptor, _CHUNK_BYTES)
        self.bytes_read += len(content)
        return content

    def _wait(self, seconds: float | None) -> bool:
        """Wait until there is something to read, or the source is stopped; return whether that came in time."""
        if self._descriptor is None or self._stop_pipe is None:
            return True
        poll = select.poll()  # unlike select, it takes descriptors of any number
        for descriptor in (self._descriptor, self._stop_pipe[0]):
            poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(None if seconds is None else 1000 * seconds))


@contextmanager
def open_source(name: str) -> Iterator[Source]:
    """Open a file, or stdin where the name is `-`.

    Raises:
        InputError: The file cannot be read.
    """
    if name == "-":
        if sys.stdin is None:
            raise InputError("cannot read stdin: it is closed")
        with _closing(Source("stdin", sys.stdin.buffer)) as source:
            yield source
        return
    try:
        file = Path(name).open("rb", buffering=0)  # noqa: SIM115  (the with below; other errors are not the file's)
    except OSError as error:
        raise unreadable(name, error) from error
    with file, _closing(Source(name, file)) as source:
        yield source


@contextmanager
def _closing(source: Source) -> Iterator[Source]:
    try:
        yield source
    finally:
        source.close()


def _descriptor(file: BinaryIO) -> int | None:
    try:
        return file.fileno()
    except io.UnsupportedOperation:
        return None
