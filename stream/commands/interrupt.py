"""Ctrl-C and SIGTERM for commands that read input: what has been read is still worked off."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Interrupt:
    """Whether a signal has come."""

    received: bool = False


@contextmanager
def stop_on_interrupt(stop: Callable[[], None]) -> Iterator[Interrupt]:
    """Call `stop` at the first signal; a second one ends the program at once.

    Args:
        stop: Ends the input; it is called in a signal handler.
    """
    interrupt = Interrupt()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle(_number: int, _frame: FrameType | None) -> None:
        interrupt.received = True
        restore()
        stop()

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    for number in _SIGNALS:
        signal.signal(number, handle)
    try:
        yield interrupt
    finally:
        restore()
