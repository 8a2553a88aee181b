"""A stream of tweets through the fleet, each of them counted."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import orjson

from stream.mqtt.connection import Connection
from stream.settings import BrokerSettings


class Load:
    """What was sent, and by which node and model each was labelled."""

    def __init__(self) -> None:
        self.sent: set[str] = set()
        self.labelled: dict[str, str] = {}
        self.models: dict[str, str] = {}
        self._news = asyncio.Event()

    @property
    def lost(self) -> set[str]:
        """What was sent and has no label."""
        return self.sent - self.labelled.keys()

    def by_node(self) -> Counter[str]:
        """How many each node labelled."""
        return Counter(self.labelled.values())

    async def until_sent(self, tweets: int) -> None:
        """Wait until so many tweets are out."""
        while len(self.sent) < tweets:
            self._news.clear()
            await self._news.wait()

    async def until_all_labelled(self, seconds: float) -> None:
        """Wait for the last labels; what has none after that is lost."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.lost:
                    self._news.clear()
                    await self._news.wait()

    async def read(self, client: Connection) -> None:
        """Note the labels that come."""
        async for message in client.incoming():
            label = orjson.loads(message.payload)
            self.labelled[label["id"]] = label["node"]
            self.models[label["id"]] = label["model"]["name"]
            self._news.set()

    async def send(self, client: Connection, tweets_a_second: float) -> None:
        """Send until it is cancelled."""
        number = 0
        while True:
            tweet = {"id": f"load-{number}", "text": f"Number {number} of a good many, and still going strong."}
            await client.publish_confirmed("tweets/in", orjson.dumps(tweet))
            self.sent.add(tweet["id"])
            self._news.set()
            number += 1
            await asyncio.sleep(1 / tweets_a_second)


@contextlib.asynccontextmanager
async def load(
    host: str, folder: Path, tweets_a_second: float = 20, authority: Path | None = None
) -> AsyncIterator[Load]:
    """Send and count for as long as the context lasts; at its end all that was sent has had its time.

    Args:
        host: The broker's.
        folder: Where passwords are put.
        tweets_a_second: How many are sent.
        authority: What the broker's certificate is verified with; None: there is none.
    """
    counted = Load()
    reading = _user(host, folder, ("reader", "reading"), authority)
    sending = _user(host, folder, ("collector", "collecting"), authority)
    async with Connection(reading) as reader, Connection(sending) as sender:
        await reader.subscribe_confirmed("tweets/polarity")
        async with asyncio.TaskGroup() as tasks:
            reads = tasks.create_task(counted.read(reader), name="reading")
            sends = tasks.create_task(counted.send(sender, tweets_a_second), name="sending")
            yield counted
            sends.cancel()
            await counted.until_all_labelled(seconds=60)
            reads.cancel()


def _user(host: str, folder: Path, credentials: tuple[str, str], authority: Path | None) -> BrokerSettings:
    name, password = credentials
    file = folder / f"{name}-password"
    file.write_text(password, encoding="utf-8")
    tls = authority is not None
    return BrokerSettings(host=host, username=name, password_file=file, tls=tls, ca_file=authority)
