"""The alignment of the shared objects in wheels: a Raspberry Pi 5 has pages of 16 KiB."""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

PAGE_BYTES = 16_384
_MAGIC = b"\x7fELF"
_CLASS_64 = 2
_LOAD = 1
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
"""A program header of ELF-64.

Type, flags, offset, virtual address, physical address, size in the file, size in memory, alignment.
"""


def misaligned(wheel: Path) -> Iterator[str]:
    """Yield the shared objects of a wheel that a system with pages of 16 KiB cannot load."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if content[:4] == _MAGIC and not _is_aligned(content):
                yield f"{wheel.name}: {name}"


def _is_aligned(content: bytes) -> bool:
    """Tell whether each segment that is loaded can be mapped at a page of 16 KiB."""
    if content[4] != _CLASS_64:
        return False
    (table,) = struct.unpack_from("<Q", content, 32)
    entry_bytes, entries = struct.unpack_from("<HH", content, 54)
    for number in range(entries):
        header = _PROGRAM_HEADER.unpack_from(content, table + number * entry_bytes)
        kind, _, offset, address, _, _, _, alignment = header
        if kind == _LOAD and (alignment < PAGE_BYTES or (address - offset) % PAGE_BYTES):
            return False
    return True
