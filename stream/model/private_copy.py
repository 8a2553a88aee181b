"""Private copies of files, which nobody can change or cut short while they are in use.

The model's file is mapped into memory, not read. If another program overwrote or cut the mapped file in place, the
interpreter would compute with other weights or be killed by SIGBUS. So a bundle's files are copied first, into unnamed
temporary files: the hash is computed from the same bytes that are loaded, and the mapped pages stay reclaimable, which
those of a copy in memory are not.
"""

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path

_DISK_FOLDER = "/var/tmp"  # noqa: S108  (the file has no name there; unlike /tmp, this folder is seldom in memory)


class PrivateCopy:
    """An open file without a name, which only this process can reach; it is freed with the object.

    Args:
        chunks: The content.
        size_bytes: The content's size, for which room is reserved.

    Raises:
        OSError: There is no room, neither in a temporary folder nor in memory.
    """

    def __init__(self, chunks: Iterable[bytes], size_bytes: int) -> None:
        self._descriptor = _new_file(size_bytes)
        weakref.finalize(self, os.close, self._descriptor)
        written = 0
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                count = os.write(self._descriptor, rest)
                rest, written = rest[count:], written + count
        os.ftruncate(self._descriptor, written)

    @property
    def path(self) -> Path:
        """A path by which this process can open the file."""
        return Path(f"/proc/self/fd/{self._descriptor}")

    @property
    def mapped_name(self) -> str:
        """The file's name in /proc/self/maps."""
        return str(self.path.readlink())

    @property
    def size_bytes(self) -> int:
        """The file's size."""
        return os.fstat(self._descriptor).st_size


def _new_file(size_bytes: int) -> int:
    """Open a new file on disk with room for so many bytes, or in memory where no temporary folder has room."""
    for folder in _temporary_folders():
        try:
            with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
                _reserve(file.fileno(), size_bytes)
                return os.dup(file.fileno())
        except OSError:
            continue
    descriptor = os.memfd_create("starling-bundle")
    try:
        _reserve(descriptor, size_bytes)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _temporary_folders() -> Iterator[str]:
    yield _DISK_FOLDER
    try:
        yield tempfile.gettempdir()
    except OSError:  # there is none that can be written
        return


def _reserve(descriptor: int, size_bytes: int) -> None:
    if size_bytes:
        os.posix_fallocate(descriptor, 0, size_bytes)
