"""Removal of LiteRT's notice that it made a delegate, which it prints on stderr once in each process.

LiteRT offers no way to turn it off: neither its API nor an environment variable sets the level of this logger. So
stderr is directed into a file while the delegate is made, and all that was written to it is then passed on but the
notice.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NOTICE = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
_STDERR = 2
_first = threading.Lock()
"""Acquired by the first delegate, and never released."""


@contextmanager
def without_delegate_notice() -> Iterator[None]:
    """Keep the notice off stderr while the first delegate of this process is made; later ones print none."""
    if _first.acquire(blocking=False):
        with _filtered_stderr():
            yield
    else:
        yield


@contextmanager
def _filtered_stderr() -> Iterator[None]:
    try:
        stderr = os.dup(_STDERR)
    except OSError:  # it is closed, so nothing is printed
        yield
        return
    written = os.memfd_create("stderr")
    try:
        os.dup2(written, _STDERR, inheritable=True)
        try:
            yield
        finally:
            os.dup2(stderr, _STDERR, inheritable=True)
            _pass_on(written)
    finally:
        os.close(written)
        os.close(stderr)


def _pass_on(written: int) -> None:
    os.lseek(written, 0, os.SEEK_SET)
    with os.fdopen(written, "rb", closefd=False) as file, os.fdopen(_STDERR, "wb", closefd=False) as stderr:
        stderr.writelines(line for line in file if not line.startswith(_NOTICE))
