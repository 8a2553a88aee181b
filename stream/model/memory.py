"""Release of memory that is not needed: on a device with 1 GB, ten megabytes are one hundredth of it.

Also the exclusion of long-lived objects from garbage collections.
"""

import ctypes
import ctypes.util
import gc
import re
from pathlib import Path

_TRIM_THRESHOLD = -1
_ARENA_MAX = -8
"""Constants of glibc's malloc.h; other C libraries have neither, and retain less memory."""
_KEPT_FREE_BYTES = 65_536
_DONT_NEED = 4
_MAPPED = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r--[ps] [0-9a-f]+ \S+ \d+ +(.*)$", re.MULTILINE)


def keep_heap_small() -> None:
    """Make malloc return freed memory to the system, and use one heap for all threads.

    By default glibc raises its thresholds at the first large array, and retains the memory of later ones.
    """
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT_FREE_BYTES)
        mallopt(_ARENA_MAX, 1)


def keep_collections_short() -> None:
    """Exclude all objects that exist now from later garbage collections: modules and settings, which are never freed.

    A full collection that visits them stops the event loop for tens of milliseconds, and all waiting tweets with it.
    """
    gc.collect()
    gc.freeze()


def release_freed_memory() -> None:
    """Return memory that was freed within the heap to the system, as loading a model leaves much of it."""
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def release_mapped_pages(name: str) -> None:
    """Release the pages of a file that is mapped read-only; they are loaded again when they are read.

    Used for a model after its first inference: XNNPACK has packed the weights into its own memory, and reads only
    rows of the word table from the file.

    Args:
        name: The file's name in /proc/self/maps.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    for first, last, mapped in _MAPPED.findall(maps):
        if mapped == name:
            start, end = int(first, 16), int(last, 16)
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONT_NEED)
