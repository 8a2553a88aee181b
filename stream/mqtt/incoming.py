"""The messages of a connection whose owner iterates over them."""

import asyncio
from collections import deque
from collections.abc import Callable

from stream.mqtt.packets import Message

_MOST_WAITING = 1024
"""Messages that may wait for the iteration before reading is paused; it resumes at half of them."""


class IncomingMessages:
    """A bounded queue: when it is full nothing more is read from the network.

    Args:
        pause: Pauses reading.
        resume: Resumes it.
    """

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._pause = pause
        self._resume = resume
        self._waiting: deque[Message] = deque()
        self._changed = asyncio.Event()
        self._ended = False

    def __len__(self) -> int:
        """Return the number of messages that wait."""
        return len(self._waiting)

    def put(self, message: Message) -> None:
        """Add a message."""
        self._waiting.append(message)
        self._changed.set()
        if len(self._waiting) >= _MOST_WAITING:
            self._pause()

    def end(self) -> None:
        """Let the iteration end after the messages that wait."""
        self._ended = True
        self._changed.set()

    async def get(self) -> Message | None:
        """Return the next message, as soon as there is one; None after the last."""
        while not self._waiting:
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        message = self._waiting.popleft()
        if len(self._waiting) == _MOST_WAITING // 2:
            self._resume()
        return message
