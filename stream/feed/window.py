"""The messages that are not confirmed yet, in order, and the position in the source that may be stored."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from stream.feed.events import Cursor


@dataclass(slots=True)
class Outgoing:
    """A message for the broker."""

    topic: str
    payload: bytes
    kind: str
    """`post`, `edit`, `deletion` or `gap`."""
    cursor: Cursor | None
    """The position after this message and what was left out behind it."""
    delay_seconds: float
    """Age of the event when it was received."""
    received: float
    """Time of reception, by the monotonic clock."""
    sent: bool = False
    done: bool = False


class Window:
    """Messages from their reception to their confirmation.

    A position is released only when everything before it is confirmed. So the messages after the released position may
    be published again after a crash, and none is lost.

    Args:
        cursor: The position from which the source is read.
        most_waiting: Messages that wait to be sent, at most.
    """

    def __init__(self, cursor: Cursor | None, most_waiting: int) -> None:
        self._queue: asyncio.Queue[Outgoing | None] = asyncio.Queue(most_waiting)
        self._messages: deque[Outgoing] = deque()
        self._ended = False
        self.released = cursor
        """The position that may be stored."""
        self.received: Cursor | None = cursor
        """The position after everything that was received."""
        self.lag_seconds = 0.0
        """Age of the last event when it was confirmed or left out."""

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def is_full(self) -> bool:
        """True while no message can be added."""
        return self._queue.full()

    async def add(self, message: Outgoing) -> None:
        """Add a message that is to be published; wait while as many as allowed wait to be sent."""
        self._messages.append(message)
        if message.cursor is not None:
            self.received = message.cursor
        await self._queue.put(message)

    async def end(self) -> None:
        """Note that no more messages will be added."""
        await self._queue.put(None)

    async def following(self) -> Outgoing | None:
        """Wait for the next message to be sent, and return it; None after the last one."""
        if self._ended:  # asked again over a new connection
            return None
        message = await self._queue.get()
        if message is None:
            self._ended = True
        else:
            message.sent = True
        return message

    def skip(self, cursor: Cursor | None, delay_seconds: float | None) -> None:
        """Note that something was received which is not to be published.

        Args:
            cursor: The position after it.
            delay_seconds: Its age; None where the source gives no time.
        """
        if cursor is not None:
            self.received = cursor
            if self._messages:
                self._messages[-1].cursor = cursor
            else:
                self.released = cursor
        if delay_seconds is not None and not self._messages:
            self.lag_seconds = delay_seconds

    def confirm(self, message: Outgoing) -> None:
        """Note that the broker has a message."""
        message.done = True
        while self._messages and self._messages[0].done:
            first = self._messages.popleft()
            if first.cursor is not None:
                self.released = first.cursor
            self.lag_seconds = first.delay_seconds + time.monotonic() - first.received

    def unconfirmed(self) -> list[Outgoing]:
        """Return the messages that were sent over a lost connection, oldest first."""
        return [message for message in self._messages if message.sent and not message.done]

    def oldest_age_seconds(self) -> float:
        """Return the age of the oldest message that is not confirmed; without one, that of the last one."""
        if not self._messages:
            return self.lag_seconds
        oldest = self._messages[0]
        return oldest.delay_seconds + time.monotonic() - oldest.received
