"""Tweets that are published to the fleet all the time, and the account of their labels."""

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import orjson

from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.settings import Settings

_TEXTS = {"negative": "awful train", "neutral": "train street", "positive": "lovely street"}
_WEIGHTS = {"negative": 3, "neutral": 4, "positive": 3}
_ACCOUNT = "fleet-account"


@dataclass(slots=True)
class Account:
    """Tweets that were published, and results that arrived.

    Args:
        sent_at: Time of publication, by id.
        results: Number of labels and rejections, by id.
        rejected: Number of rejections.
        waits: Seconds from the publication to the first result.
        arrived: Set by each result.
        stop: Ends the publication.
    """

    sent_at: dict[str, float] = field(default_factory=dict)
    results: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    waits: list[float] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def missing(self) -> set[str]:
        """Tweets without a result."""
        return self.sent_at.keys() - self.results.keys()

    @property
    def repeated(self) -> int:
        """Results beyond the first of each tweet."""
        return sum(self.results.values()) - len(self.results)

    async def until_all_have_results(self, seconds: float) -> None:
        """Wait until no tweet is missing, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._until(lambda: not self.missing)

    async def until_labelled(self, tweets: int) -> None:
        """Wait until so many tweets have results."""
        await self._until(lambda: len(self.results) >= tweets)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.arrived.clear()
            await self.arrived.wait()


@contextlib.asynccontextmanager
async def publishing(settings: Settings, per_second: float) -> AsyncIterator[Account]:
    """Publish tweets at a rate until the context ends, and count their results.

    Args:
        settings: Broker and topics.
        per_second: Tweets per second.
    """
    account = Account()
    reader = Connection(settings.broker, identifier=_ACCOUNT, persistent=True)

    def take(message: Message) -> None:
        tweet = orjson.loads(message.payload)["id"]
        if tweet not in account.results and tweet in account.sent_at:
            account.waits.append(time.monotonic() - account.sent_at[tweet])
        account.results[tweet] += 1
        account.rejected += message.topic == settings.topics.rejected
        reader.acknowledge(message)
        account.arrived.set()

    reader.deliver_to(take)
    async with reader, Connection(settings.broker) as sender:
        for topic in (settings.topics.labels, settings.topics.rejected):
            await reader.subscribe_confirmed(topic)
        sending = asyncio.create_task(_send(sender, settings, per_second, account), name="tweets")
        try:
            yield account
        finally:
            account.stop.set()
            await sending


async def _send(sender: Connection, settings: Settings, per_second: float, account: Account) -> None:
    chance, began = random.Random(26), time.monotonic()
    for number in itertools.count():
        if account.stop.is_set():
            return
        polarity = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        tweet = f"fleet-{number}"
        payload = orjson.dumps({"id": tweet, "text": f"{_TEXTS[polarity]} {number}"})
        account.sent_at[tweet] = time.monotonic()
        await sender.publish_confirmed(settings.topics.tweet_topics[0], payload)
        await asyncio.sleep(began + (number + 1) / per_second - time.monotonic())
