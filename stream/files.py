"""Files: reading them whole, compressed or not, and replacing them in one step."""

import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW_BITS = 31


def read_file(path: Path) -> bytes:
    """Read a whole file, decompressed if its content is gzip.

    Raises:
        InputError: It cannot be read, or its compressed data is damaged.
    """
    try:
        content = path.read_bytes()
        return decompressed(content) if content.startswith(GZIP_MAGIC) else content
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(str(path), error) from error


class Gunzip:
    """Decompresses gzip data of one or more members, piece by piece."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WINDOW_BITS)
        self._waiting = b""

    @property
    def needs_input(self) -> bool:
        """True if all input has been decompressed."""
        return not self._waiting

    def feed(self, compressed: bytes, most_bytes: int = 0) -> bytes:
        """Decompress the next piece.

        Args:
            compressed: The piece; it may be empty where an earlier one has not been decompressed completely.
            most_bytes: Length of the result, at most; 0: unlimited.

        Raises:
            zlib.error: The data is damaged.
        """
        if self._member.eof:
            self._waiting = (self._waiting + compressed).lstrip(b"\0")
            if not self._waiting:
                return b""
            self._member = zlib.decompressobj(_GZIP_WINDOW_BITS)
            compressed = b""
        content = self._member.decompress(self._waiting + compressed, most_bytes)
        self._waiting = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        return content

    def finish(self) -> None:
        """Check that the data is complete.

        Raises:
            EOFError: It ends within a member.
        """
        if not self._member.eof or self._waiting:
            raise EOFError("the compressed data ends early")


def decompressed(content: bytes) -> bytes:
    """Decompress gzip data of one or more members.

    Raises:
        EOFError: The data ends early.
        zlib.error: The data is damaged.
    """
    gunzip = Gunzip()
    parts = [gunzip.feed(content)]
    while not gunzip.needs_input:
        parts.append(gunzip.feed(b""))
    gunzip.finish()
    return b"".join(parts)


def unreadable(name: str, error: Exception) -> InputError:
    """Return the error for a file that cannot be read, with the system's reason."""
    return InputError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}")


@contextmanager
def replacing(path: Path, *, make_folder: bool = True) -> Iterator[Path]:
    """Replace a file or a folder in one step: readers see the old one or the whole new one.

    Args:
        path: The file or folder.
        make_folder: Whether to make the folder that it is in, where there is none.

    Yields:
        The path to write the new one to, in the same folder. If the block raises, it is removed and `path` stays as
        it is. An existing file's permissions are kept; the content is on the disk before the old file is replaced.

    Raises:
        OSError: It cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    if make_folder:
        path.parent.mkdir(parents=True, exist_ok=True)
    _remove(partial)
    try:
        yield partial
        if partial.is_file():
            if path.is_file():
                partial.chmod(path.stat().st_mode & 0o7777)
            _sync(partial)
        partial.replace(path)
    finally:
        _remove(partial)


def replace_text(path: Path, text: str, *, make_folder: bool = True) -> None:
    """Replace a text file in one step, as UTF-8.

    Args:
        path: The file.
        text: Its new content.
        make_folder: Whether to make the folder that it is in, where there is none.

    Raises:
        OSError: It cannot be written.
    """
    with replacing(path, make_folder=make_folder) as partial:
        partial.write_text(text, encoding="utf-8")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
