"""Publication over connections that fail."""

import asyncio
import time
from typing import Self

import pytest
from prometheus_client import CollectorRegistry

from stream.errors import BrokerError, PublicationRefusedError
from stream.feed import publisher as publishing
from stream.feed.metrics import FeedMetrics
from stream.feed.progress import FeedHealth
from stream.feed.publisher import Publisher
from stream.feed.window import Outgoing, Window
from stream.mqtt.reason_codes import Code
from stream.settings import BrokerSettings

SETTINGS = BrokerSettings(reconnect_seconds=0.001)


class Broker:
    """A broker that refuses messages or loses connections; `published` has what was confirmed."""

    def __init__(self, *, down: int = 0, loses: bytes = b"none", losses: int = 1, code: int = 0) -> None:
        self.published: list[bytes] = []
        self.most_at_once = 0
        self._at_once = 0
        self._down = down
        self._loses = loses
        self._losses = losses
        self._code = code

    def connect(self, _settings: BrokerSettings, **_options: object) -> "Connection":
        self._at_once = self.most_at_once = 0
        return Connection(self)

    def accept(self) -> None:
        self._down -= 1
        if self._down >= 0:
            raise BrokerError("cannot be reached")

    async def take(self, payload: bytes) -> None:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0)
        self._at_once -= 1
        if payload == self._loses and self._losses > 0:
            self._losses -= 1
            if self._code:
                raise PublicationRefusedError("refused", reason_code=self._code)
            raise BrokerError("the connection is lost")
        self.published.append(payload)


class Connection:
    """A connection to it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def __aenter__(self) -> Self:
        self._broker.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def wait_disconnected(self) -> None:
        await asyncio.Event().wait()

    async def publish_confirmed(self, _topic: str, payload: bytes) -> None:
        await self._broker.take(payload)


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(name, labels) or 0.0


async def published(
    monkeypatch: pytest.MonkeyPatch, broker: Broker, messages: int = 5, settings: BrokerSettings = SETTINGS
) -> tuple[Window, FeedMetrics]:
    """Publish some messages, whose payloads are their numbers."""
    monkeypatch.setattr(publishing, "Connection", broker.connect)
    window, metrics, health = Window(None, 100), FeedMetrics(), FeedHealth(60)
    for number in range(messages):
        await window.add(Outgoing("t", b"%d" % number, "post", {"at": number}, 0.0, time.monotonic()))
    await window.end()
    await Publisher(settings, 3, window, metrics, health).run()
    return window, metrics


async def test_messages_are_published_in_order_and_their_position_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    window, metrics = await published(monkeypatch, broker)
    assert broker.published == [b"0", b"1", b"2", b"3", b"4"]
    assert broker.most_at_once <= 3
    assert (window.released, len(window)) == ({"at": 4}, 0)
    assert value(metrics.registry, "starling_feed_messages_published_total", kind="post") == 5


async def test_messages_of_a_lost_connection_are_published_again(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(loses=b"2", losses=2)
    window, metrics = await published(monkeypatch, broker)
    assert set(broker.published) == {b"0", b"1", b"2", b"3", b"4"}
    assert window.released == {"at": 4}
    assert value(metrics.registry, "starling_feed_broker_reconnects_total") == 2


async def test_a_message_that_the_broker_refuses_is_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(loses=b"2", losses=99, code=Code.PACKET_TOO_LARGE)
    window, metrics = await published(monkeypatch, broker)
    assert broker.published == [b"0", b"1", b"3", b"4"]
    assert window.released == {"at": 4}
    assert value(metrics.registry, "starling_feed_messages_refused_total", kind="post") == 1


async def test_a_refusal_of_all_messages_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(loses=b"2", losses=4, code=Code.NOT_AUTHORIZED)
    window, metrics = await published(monkeypatch, broker)
    assert set(broker.published) == {b"0", b"1", b"2", b"3", b"4"}
    assert window.released == {"at": 4}
    assert value(metrics.registry, "starling_feed_messages_refused_total", kind="post") == 0


async def test_a_message_after_which_the_broker_hangs_up_each_time_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(loses=b"0", losses=99)
    window, metrics = await published(monkeypatch, broker)
    assert set(broker.published) == {b"1", b"2", b"3", b"4"}
    assert window.released == {"at": 4}
    assert value(metrics.registry, "starling_feed_messages_refused_total", kind="post") == 1


async def test_a_broker_that_cannot_be_reached_at_the_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrokerError, match="cannot be reached"):
        await published(monkeypatch, Broker(down=1))


async def test_a_broker_that_cannot_be_reached_is_waited_for_where_the_settings_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = Broker(down=3)
    await published(monkeypatch, broker, settings=BrokerSettings(reconnect_seconds=0.001, wait_at_start=True))
    assert len(broker.published) == 5
