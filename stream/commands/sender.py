"""Publishing of messages at a rate, over a new connection where one is lost."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from stream.commands.reconnecting import Reconnection
from stream.errors import BrokerError, PublicationRefusedError, ungrouped
from stream.mqtt.connection import Connection
from stream.settings import BrokerSettings

_MOST_IN_FLIGHT = 100
_MOST_FRUITLESS = 5
"""Connections in a row that are lost with messages in flight and none confirmed: the messages may be the cause."""
_MOST_REFUSED = 100
"""Refused messages after which the command ends, where none was accepted."""

NextBatch = Callable[[], list[bytes] | None]


@dataclass(frozen=True)
class SendOptions:
    """The rate, and the patience with the broker."""

    rate: float = 0.0
    """Messages per second; 0: as fast as the broker confirms them."""
    wait_seconds: float = 60.0
    """Time to keep trying to reach a broker that went away."""


class Sender:
    """Publishes messages at QoS 1 until the broker has confirmed or refused each.

    Args:
        settings: The broker.
        topic: The topic of all messages.
        options: The rate, and how long to reconnect.
        done: Called for each message that the broker has confirmed.
        hurries: Returns whether the rate no longer applies, because the input has ended.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        topic: str,
        options: SendOptions,
        done: Callable[[], None],
        hurries: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._rate = options.rate
        self._reconnection = Reconnection(settings.reconnect_seconds, options.wait_seconds)
        self._done = done
        self._hurries = hurries
        self._reading: asyncio.Task[list[bytes] | None] | None = None
        self._unconfirmed: dict[int, bytes] = {}
        self._taken = 0
        self._due = 0.0
        self._fruitless = 0
        self._refusal: PublicationRefusedError | None = None
        self.confirmed = 0
        self.refused = 0

    @property
    def unconfirmed(self) -> int:
        """Number of messages that were read and neither confirmed nor refused."""
        return len(self._unconfirmed)

    async def send(self, next_batch: NextBatch) -> None:
        """Publish all messages.

        Args:
            next_batch: Returns the next messages, and None at the end; it may wait, and is called in a thread.

        Raises:
            BrokerError: The broker cannot be reached, stays away for too long, or refused messages.
        """
        while True:
            confirmed = self.confirmed
            try:
                async with Connection(self._settings) as client:
                    self._reconnection.reached()
                    with ungrouped():
                        await self._send_over(client, next_batch)
                break
            except BrokerError as error:
                if self._gives_up(fruitless=confirmed == self.confirmed):
                    raise
                await self._reconnection.wait_after(error)
        if self._refusal:
            raise self._refusals(self._refusal)

    async def _send_over(self, client: Connection, next_batch: NextBatch) -> None:
        """Publish what is unconfirmed and what is read, until the connection is lost or the input ends."""
        room = asyncio.Semaphore(_MOST_IN_FLIGHT)
        waiting = deque(self._unconfirmed)
        async with asyncio.TaskGroup() as tasks:
            loss = tasks.create_task(client.wait_disconnected(), name="connection")
            while waiting or (waiting := await self._read(next_batch)):
                await self._until_due()
                await room.acquire()
                number = waiting.popleft()
                tasks.create_task(self._publish(client, number, room), name=f"publish-{number}")
            for _ in range(_MOST_IN_FLIGHT):  # until all have ended
                await room.acquire()
            loss.cancel()

    async def _read(self, next_batch: NextBatch) -> deque[int]:
        """Wait for the next messages, and return their numbers; none at the end of the input."""
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(next_batch), name="read")
        batch = await asyncio.shield(self._reading)
        if batch is None:
            return deque()
        self._reading = None
        numbers = range(self._taken, self._taken + len(batch))
        self._unconfirmed |= dict(zip(numbers, batch, strict=True))
        self._taken = numbers.stop
        return deque(numbers)

    async def _publish(self, client: Connection, number: int, room: asyncio.Semaphore) -> None:
        try:
            await client.publish_confirmed(self._topic, self._unconfirmed[number])
        except PublicationRefusedError as error:
            self._refusal = self._refusal or error
            self.refused += 1
            if self.refused >= _MOST_REFUSED and not self.confirmed:
                raise
        else:
            self.confirmed += 1
            self._done()
        finally:
            room.release()
        del self._unconfirmed[number]

    async def _until_due(self) -> None:
        if self._rate and not self._hurries():
            now = time.monotonic()
            self._due = max(now, self._due + 1 / self._rate)
            await asyncio.sleep(self._due - now)

    def _gives_up(self, *, fruitless: bool) -> bool:
        """Return whether a lost connection is a reason to end: after refusals, or where messages may cause the loss."""
        self._fruitless = self._fruitless + 1 if fruitless and self._unconfirmed else 0
        return self._fruitless >= _MOST_FRUITLESS or (self.refused >= _MOST_REFUSED and not self.confirmed)

    def _refusals(self, first: PublicationRefusedError) -> BrokerError:
        return BrokerError(f"the broker refused {self.refused} of {self._taken} tweets; the first: {first}")
