"""Work in progress: its count, its age, and a wait for its end."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager


class InProgress:
    """Items of work that were begun and have not ended; used in one event loop."""

    def __init__(self) -> None:
        self._begun: dict[int, float] = {}
        """Start time of each item by its number, oldest first."""
        self._numbers = itertools.count()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._begun)

    def begin(self) -> int:
        """Add an item; returns the number to end it by."""
        number = next(self._numbers)
        self._begun[number] = time.monotonic()
        self._idle.clear()
        return number

    def renew(self, number: int) -> None:
        """Let the age of an item begin anew: it waits for something else than this service."""
        del self._begun[number]
        self._begun[number] = time.monotonic()

    def end(self, number: int) -> None:
        """Remove an item."""
        del self._begun[number]
        if not self._begun:
            self._idle.set()

    @contextmanager
    def item(self) -> Iterator[None]:
        """Add an item that ends with the context."""
        number = self.begin()
        try:
            yield
        finally:
            self.end(number)

    def oldest_seconds(self) -> float:
        """Age of the oldest item in seconds; 0 without items."""
        return time.monotonic() - next(iter(self._begun.values())) if self._begun else 0.0

    async def idle(self) -> None:
        """Wait until there is no item."""
        await self._idle.wait()
