"""Gives memory back that nobody needs: on a device with a gigabyte, each ten megabytes are a hundredth of it."""

import ctypes
import ctypes.util
import re
from pathlib import Path

_TRIM_THRESHOLD = -1
_ARENA_MAX = -8
"""glibc's malloc.h names these; other C libraries have neither, and hold back less."""
_KEPT_FREE_BYTES = 65_536
_DONT_NEED = 4
_MAPPED = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r--[ps] [0-9a-f]+ \S+ \d+ +(.*)$", re.MULTILINE)


def keep_heap_small() -> None:
    """Make malloc return what is freed, and share one heap among threads, which here allocate little themselves.

    Left alone, glibc learns from the first big array that big arrays are common, and keeps the memory of all of them.
    """
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT_FREE_BYTES)
        mallopt(_ARENA_MAX, 1)


def forget_pages_of(path: Path) -> None:
    """Let go of the pages of a file that is mapped read-only.

    For a model whose weights XNNPACK has packed into memory of its own: of the file it reads no more than the rows
    of the word table, and those come back from the system's cache as they are read.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    for first, last, name in _MAPPED.findall(maps):
        if name == str(path):
            start, end = int(first, 16), int(last, 16)
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONT_NEED)
