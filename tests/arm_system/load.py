"""Tweets for the machine over MQTT, with their answers."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from importlib.resources import files
from typing import Any

from stream.mqtt.connection import Connection
from stream.settings import BrokerSettings, LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.rejections import RejectedTweetError

_REJECTED = "tweets/rejected"
_SECONDS_BETWEEN_TWEETS = 2.0
"""An emulated processor takes up to a second for a tweet, and Ansible's programs run beside the service."""
_ANSWER_SECONDS = 900


class Load:
    """Published tweets, and the answer to each.

    Args:
        sender: A connection to the broker.
    """

    def __init__(self, sender: Connection) -> None:
        self.sent: set[str] = set()
        self.labels: dict[str, dict[str, Any]] = {}
        self.rejected: set[str] = set()
        self._sender = sender
        self._changed = asyncio.Condition()

    @property
    def lost(self) -> set[str]:
        """Tweets that were published and have neither a label nor a rejection."""
        return self.sent - self.labels.keys() - self.rejected

    async def send(self, tweets: Mapping[str, bytes]) -> None:
        """Publish tweets, as fast as the broker takes them."""
        for tweet, payload in tweets.items():
            await self._sender.publish_confirmed("tweets/in", payload)
            self.sent.add(tweet)

    async def until_labelled(self, tweets: int) -> None:
        """Wait until as many tweets have labels."""
        async with asyncio.timeout(_ANSWER_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.labels) >= tweets)

    async def until_all_answered(self) -> None:
        """Wait until every tweet has its label or its rejection; those that have none at the end are lost."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ANSWER_SECONDS), self._changed:
                await self._changed.wait_for(lambda: not self.lost)

    async def read(self, reader: Connection) -> None:
        """Record the answers as they arrive."""
        async for message in reader.incoming():
            answer = json.loads(message.payload)
            async with self._changed:
                if message.topic == _REJECTED:
                    self.rejected.add(answer.get("id", ""))
                else:
                    self.labels[answer["id"]] = answer
                self._changed.notify_all()

    @contextlib.asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Publish a tweet every now and then in the context, and wait for all answers at its end."""
        task = asyncio.create_task(self._send_for_ever(), name="sending")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.until_all_answered()

    async def _send_for_ever(self) -> None:
        number = 0
        while True:
            tweet = f"load-{number}"
            text = f"This is tweet number {number} of a long and pleasant series."
            await self.send({tweet: json.dumps({"id": tweet, "text": text}).encode()})
            number += 1
            await asyncio.sleep(_SECONDS_BETWEEN_TWEETS)


@contextlib.asynccontextmanager
async def load(port: int) -> AsyncIterator[Load]:
    """Read the answers on the broker at a port of this machine in the context."""
    settings = BrokerSettings(host="127.0.0.1", port=port)
    async with Connection(settings) as reader, Connection(settings) as sender:
        await reader.subscribe_confirmed("tweets/polarity")
        await reader.subscribe_confirmed(_REJECTED)
        counted = Load(sender)
        reads = asyncio.create_task(counted.read(reader), name="reading")
        try:
            yield counted
        finally:
            reads.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reads


def sample_tweets(skipped: int, tweets: int) -> dict[str, bytes]:
    """Return sample tweets that the service does not reject, each with another id."""
    found: dict[str, bytes] = {}
    for line in (files("stream") / "samples" / "tweets.jsonl").read_bytes().splitlines():
        with contextlib.suppress(RejectedTweetError):
            found.setdefault(decode_tweet(line, LimitSettings()).id, line)
    return dict(list(found.items())[skipped : skipped + tweets])
