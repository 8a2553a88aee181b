"""A client with which tests publish tweets to a running service and read its results."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import orjson

from stream.mqtt.connection import Connection
from stream.mqtt.encoding import publish_packet, publish_properties
from stream.mqtt.packets import Message
from stream.mqtt.properties import write_variable_integer
from stream.mqtt.publishing import publish_all
from stream.service import Service
from stream.session.topics import ALL_STATUS_TOPICS, ONLINE, status_topic
from stream.settings import BrokerSettings, Settings
from stream.topic_filters import matches
from tests.integration.lent_models import lent_models


class Probe:
    """A publisher of tweets and reader of results."""

    def __init__(self, client: Connection, settings: Settings) -> None:
        self.client = client
        self.topics = settings.topics
        self.node = settings.node
        self.labels: list[dict[str, Any]] = []
        self.rejections: list[dict[str, Any]] = []
        self.messages: list[Message] = []
        self.arrived_at: list[float] = []
        self.status: list[str] = []
        self._arrived = asyncio.Event()
        client.deliver_to(self._take)

    def _take(self, message: Message) -> None:
        payload = message.payload
        self.messages.append(message)
        self.arrived_at.append(time.monotonic())
        if message.topic == self.topics.labels:
            self.labels.append(orjson.loads(payload))
        elif message.topic == self.topics.rejected:
            self.rejections.append(orjson.loads(payload))
        elif message.topic == status_topic(self.node):
            self.status.append(payload.decode())
        self.client.acknowledge(message)
        self._arrived.set()

    async def send(self, payload: bytes, **options: Any) -> None:
        await self.client.publish_confirmed(self.topics.tweet_topics[0], payload, **options)

    async def send_with(self, payload: bytes, properties: bytes) -> None:
        """Publish with these bytes as the properties, which may be malformed."""
        section = write_variable_integer(len(properties)) + properties
        await self.client.link.publications.publish(self.topics.tweet_topics[0], payload, properties=section)

    def send_at_qos_0(self, payload: bytes) -> None:
        """Publish without a confirmation."""
        properties = publish_properties() if self.client.link.version_5 else b""
        self.client.link.send(publish_packet(self.topics.tweet_topics[0].encode(), payload, 0, properties=properties))

    async def tweet(self, tweet_id: str, text: str = "what a lovely day", **fields: Any) -> None:
        await self.send(orjson.dumps({"id": tweet_id, "text": text, **fields}))

    async def tweets(self, ids: Iterable[str]) -> None:
        """Publish a tweet for each id, as fast as the broker accepts them."""
        messages = (orjson.dumps({"id": tweet_id, "text": f"lovely day number {tweet_id}"}) for tweet_id in ids)
        await publish_all(self.client, self.topics.tweet_topics[0], messages)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until the received messages make the condition true."""
        while True:
            self._arrived.clear()
            if condition():
                return
            await self._arrived.wait()

    async def label_of(self, tweet_id: str) -> dict[str, Any]:
        await self.until(lambda: tweet_id in self.labelled_ids())
        return next(label for label in self.labels if label["id"] == tweet_id)

    def on(self, topic_filter: str) -> list[Message]:
        """Return the messages received on matching topics."""
        return [message for message in self.messages if matches(topic_filter, message.topic)]

    def labelled_ids(self) -> list[str]:
        return [label["id"] for label in self.labels]


@contextlib.asynccontextmanager
async def probing(settings: Settings, *extra_topics: str, identifier: str | None = None) -> AsyncIterator[Probe]:
    """Connect a probe; with an identifier, its session is persistent."""
    client = Connection(settings.broker, identifier=identifier, persistent=identifier is not None)
    probe = Probe(client, settings)
    async with client:
        for topic in (settings.topics.labels, settings.topics.rejected, ALL_STATUS_TOPICS, *extra_topics):
            await client.subscribe_confirmed(topic)
        yield probe


@contextlib.asynccontextmanager
async def serving(settings: Settings, on_listening: Callable[[str], None] | None = None) -> AsyncIterator[Service]:
    """Run the service in the test's process; entered when it is online."""
    service = Service(settings, on_listening)
    with lent_models():
        async with asyncio.TaskGroup() as tasks:
            async with probing(settings) as probe:
                tasks.create_task(service.run())
                await probe.until(lambda: ONLINE in probe.status)
            yield service
            service.stop()


def settings_for(port: int, **sections: Any) -> Settings:
    """Settings of a test's node."""
    broker = {"host": "127.0.0.1", "port": port, "reconnect_seconds": 0.2} | sections.pop("broker", {})
    # No measurement at the start, and each tweet is classified.
    model = {"interpreters": 2, "repeats": 0} | sections.pop("model", {})
    return Settings(
        **{"node": "test", "broker": BrokerSettings(**broker), "http": {"port": 0}, "model": model, **sections}
    )


def write_config(folder: Path, settings: Settings, http_port: int) -> Path:
    """Write a settings file for a service in a separate process, with all settings of the test."""
    given = settings.model_dump(mode="json", exclude_unset=True) | {"http": {"port": http_port}}
    sections = {name: keys for name, keys in given.items() if isinstance(keys, dict)}
    sections["model"] = sections.pop("model")  # last, so that a test can append keys to it
    lines = [_toml(name, value) for name, value in given.items() if name not in sections]
    for section, keys in sections.items():
        lines += [f"[{section}]", *(_toml(name, value) for name, value in keys.items() if value is not None)]
    config = folder / "starling.toml"
    config.write_text("\n".join(lines) + "\n")
    return config


def _toml(name: str, value: object) -> str:
    return f"{name} = {orjson.dumps(value).decode()}"  # the values of the settings have the same form in TOML and JSON
