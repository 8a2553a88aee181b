"""A subscriber that counts the results of each tweet."""

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
_RESULT_TIMEOUT_SECONDS = 30.0
"""Time without any result after which a wait fails."""


class ResultCounter:
    """Number of labels and rejections for each tweet.

    Args:
        settings: The node's settings, with the port of the broker itself, not of a relay.
        identifier: Client id of a persistent session, so that no result is missed while the counter is disconnected.
    """

    def __init__(self, settings: Settings, identifier: str = "result-counter") -> None:
        self._settings = settings
        self._identifier = identifier
        self._client: Connection | None = None
        self._seen: set[bytes] = set()
        self.labels: Counter[str] = Counter()
        self.rejections: Counter[str] = Counter()
        self.recoveries_seconds: list[float] = []
        self._fault_ended_at: datetime | None = None
        self._arrived = asyncio.Event()

    @property
    def results(self) -> Counter[str]:
        """Number of results for each tweet: labels and rejections."""
        return self.labels + self.rejections

    def lost(self, ids: Collection[str]) -> set[str]:
        """Return the tweets without a result."""
        return set(ids) - self.labels.keys() - self.rejections.keys()

    def repeated(self, ids: Collection[str]) -> set[str]:
        """Return the tweets with more than one result."""
        results = self.results
        return {tweet_id for tweet_id in ids if results[tweet_id] > 1}

    def fault_ended(self) -> None:
        """Start to measure the recovery time, which ends with the next tweet that is classified from now on."""
        self._fault_ended_at = datetime.now(UTC)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until the received results make the condition true.

        Raises:
            TimeoutError: No more results arrive, and the condition is still false.
        """
        while not condition():
            self._arrived.clear()
            async with asyncio.timeout(_RESULT_TIMEOUT_SECONDS):
                await self._arrived.wait()

    def pause(self) -> None:
        """Stop reading, as an overloaded subscriber does."""
        assert self._client
        self._client.pause()

    def resume(self) -> None:
        """Continue to read."""
        assert self._client
        self._client.resume()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Count while the context lasts, also across restarts of the broker; entered when subscribed."""
        subscribed = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._run(subscribed), name="result-counter")
            await subscribed.wait()
            yield
            running.cancel()

    async def _run(self, subscribed: asyncio.Event) -> None:
        while True:
            with contextlib.suppress(BrokerError):
                await self._read(subscribed)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _read(self, subscribed: asyncio.Event) -> None:
        self._client = client = Connection(self._settings.broker, identifier=self._identifier, persistent=True)

        def take(message: Message) -> None:
            self._record(message)
            client.acknowledge(message)

        client.deliver_to(take)
        with ungrouped():
            async with client:
                for topic in (self._settings.topics.labels, self._settings.topics.rejected):
                    await client.subscribe_confirmed(topic)
                subscribed.set()
                await client.wait_disconnected()

    def _record(self, message: Message) -> None:
        payload = message.payload
        if message.duplicate and payload in self._seen:
            return  # redelivered by the broker to this subscriber, not published again by the node
        self._seen.add(payload)
        result = orjson.loads(payload)
        if message.topic == self._settings.topics.rejected:
            self.rejections[result.get("id", "")] += 1  # not every message has an id
        else:
            self.labels[result["id"]] += 1
            self._time_recovery(result["classified_at"])
        self._arrived.set()

    def _time_recovery(self, classified_at: str) -> None:
        ended_at = self._fault_ended_at
        if ended_at and datetime.fromisoformat(classified_at) > ended_at:
            self._fault_ended_at = None
            self.recoveries_seconds.append((datetime.now(UTC) - ended_at).total_seconds())
