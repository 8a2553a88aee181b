"""A stream of tweets through the fleet, with a count of their labels."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import orjson

from stream.mqtt.connection import Connection
from stream.settings import BrokerSettings
from tests.fleet.playbooks import SECRETS

_REJECTED = "tweets/rejected"


class Load:
    """Published tweets, the node and model of each label, and the node of each rejection."""

    def __init__(self) -> None:
        self.sent: set[str] = set()
        self.labelled: dict[str, str] = {}
        self.models: dict[str, str] = {}
        self.rejected: dict[str, str] = {}
        self._changed = asyncio.Event()

    @property
    def lost(self) -> set[str]:
        """Tweets that were published and have neither a label nor a rejection."""
        return self.sent - self.labelled.keys() - self.rejected.keys()

    def by_node(self) -> Counter[str]:
        """Count the labels of each node."""
        return Counter(self.labelled.values())

    async def until_sent(self, tweets: int) -> None:
        """Wait until this number of tweets has been published."""
        while len(self.sent) < tweets:
            self._changed.clear()
            await self._changed.wait()

    async def until_all_answered(self, seconds: float) -> None:
        """Wait until all tweets have labels or rejections, at most this time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.lost:
                    self._changed.clear()
                    await self._changed.wait()

    async def read(self, client: Connection) -> None:
        """Record labels and rejections as they arrive."""
        async for message in client.incoming():
            answer = orjson.loads(message.payload)
            if message.topic == _REJECTED:
                self.rejected[answer.get("id", "")] = answer["node"]
            else:
                self.labelled[answer["id"]] = answer["node"]
                self.models[answer["id"]] = answer["model"]["name"]
            self._changed.set()

    async def send(self, client: Connection, tweets_per_second: float) -> None:
        """Publish tweets until cancelled."""
        number = 0
        while True:
            tweet = {"id": f"load-{number}", "text": f"This is tweet number {number} of a long and pleasant series."}
            await client.publish_confirmed("tweets/in", orjson.dumps(tweet))
            self.sent.add(tweet["id"])
            self._changed.set()
            number += 1
            await asyncio.sleep(1 / tweets_per_second)


@contextlib.asynccontextmanager
async def load(
    host: str, folder: Path, tweets_per_second: float = 20, authority: Path | None = None
) -> AsyncIterator[Load]:
    """Publish tweets and count labels in the context; at its end, wait for outstanding answers.

    Args:
        host: The broker's address.
        folder: Folder for password files.
        tweets_per_second: Tweets published per second.
        authority: The authority that signed the broker's certificate; None: no TLS.
    """
    counted = Load()
    reading = _user(host, folder, ("reader", SECRETS["reader"]), authority)
    sending = _user(host, folder, ("collector", SECRETS["collector"]), authority)
    async with Connection(reading) as reader, Connection(sending) as sender:
        await reader.subscribe_confirmed("tweets/polarity")
        await reader.subscribe_confirmed(_REJECTED)
        async with asyncio.TaskGroup() as tasks:
            reads = tasks.create_task(counted.read(reader), name="reading")
            sends = tasks.create_task(counted.send(sender, tweets_per_second), name="sending")
            yield counted
            sends.cancel()
            await counted.until_all_answered(seconds=60)
            reads.cancel()


def _user(host: str, folder: Path, credentials: tuple[str, str], authority: Path | None) -> BrokerSettings:
    name, password = credentials
    file = folder / f"{name}-password"
    file.write_text(password, encoding="utf-8")
    tls = authority is not None
    return BrokerSettings(host=host, username=name, password_file=file, tls=tls, ca_file=authority)
