"""Counts what became of each tweet, as a subscriber to the results sees it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from datetime import UTC, datetime

import orjson

from stream.errors import BrokerError, ungrouped
from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.settings import Settings

_RETRY_SECONDS = 0.1
_PATIENCE_SECONDS = 30.0
"""Without any result for so long, what is waited for will not come."""


class Books:
    """How many labels and rejections have come for each tweet.

    Args:
        settings: The node's, with the broker's own port.
        identifier: The client id; the broker keeps what comes while the books are away, so that they miss nothing.
    """

    def __init__(self, settings: Settings, identifier: str = "books") -> None:
        self._settings = settings
        self._identifier = identifier
        self._client: Connection | None = None
        self._seen: set[bytes] = set()
        self.labels: Counter[str] = Counter()
        self.rejections: Counter[str] = Counter()
        self.recoveries_seconds: list[float] = []
        self._lifted_at: datetime | None = None
        self._arrived = asyncio.Event()

    @property
    def results(self) -> Counter[str]:
        """Label and rejections together."""
        return self.labels + self.rejections

    def lost(self, ids: Collection[str]) -> set[str]:
        """The tweets that became nothing."""
        return set(ids) - self.labels.keys() - self.rejections.keys()

    def repeated(self, ids: Collection[str]) -> set[str]:
        """The tweets that became more than one thing."""
        results = self.results
        return {tweet_id for tweet_id in ids if results[tweet_id] > 1}

    def fault_lifted(self) -> None:
        """Start the time that ends with the next tweet that is classified from now on."""
        self._lifted_at = datetime.now(UTC)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something that came makes the condition true.

        Raises:
            TimeoutError: Nothing came any more, and the condition is still not true.
        """
        while not condition():
            self._arrived.clear()
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._arrived.wait()

    def pause(self) -> None:
        """Read nothing more for now, as a subscriber that is overwhelmed."""
        assert self._client
        self._client.pause()

    def resume(self) -> None:
        """Read again."""
        assert self._client
        self._client.resume()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Keep the books for as long as the context lasts, and through the broker's restarts; entered subscribed."""
        subscribed = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(self._keep(subscribed), name="books")
            await subscribed.wait()
            yield
            keeping.cancel()

    async def _keep(self, subscribed: asyncio.Event) -> None:
        while True:
            with contextlib.suppress(BrokerError):
                await self._read(subscribed)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _read(self, subscribed: asyncio.Event) -> None:
        self._client = client = Connection(self._settings.broker, identifier=self._identifier, persistent=True)

        def take(message: Message) -> None:
            self._enter(message)
            client.acknowledge(message)

        client.deliver_to(take)
        with ungrouped():
            async with client:
                for topic in (self._settings.topics.labels, self._settings.topics.rejected):
                    await client.subscribe_confirmed(topic)
                subscribed.set()
                await client.wait_disconnected()

    def _enter(self, message: Message) -> None:
        payload = message.payload
        if message.duplicate and payload in self._seen:
            return  # sent twice by the broker on the way here, which is not the node's doing
        self._seen.add(payload)
        result = orjson.loads(payload)
        if message.topic == self._settings.topics.rejected:
            self.rejections[result.get("id", "")] += 1  # not every message has an id
        else:
            self.labels[result["id"]] += 1
            self._time_recovery(result["classified_at"])
        self._arrived.set()

    def _time_recovery(self, classified_at: str) -> None:
        lifted_at = self._lifted_at
        if lifted_at and datetime.fromisoformat(classified_at) > lifted_at:
            self._lifted_at = None
            self.recoveries_seconds.append((datetime.now(UTC) - lifted_at).total_seconds())
