import asyncio
from itertools import count
from typing import Any

import pytest

from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.connection import Connection
from stream.mqtt.publishing import MOST_UNCONFIRMED, publish_all


class FakeConnection(Connection):
    """A connection that confirms publications when the test allows it."""

    def __init__(self, refuses: bytes | None = None) -> None:
        self.published: list[bytes] = []
        self.unconfirmed = 0
        self.most_unconfirmed = 0
        self.full = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self._refuses = refuses

    async def publish_confirmed(self, topic: str, payload: bytes | str, **_: Any) -> None:
        assert (topic, isinstance(payload, bytes)) == ("tweets/in", True)
        self.published.append(bytes(payload, "utf-8") if isinstance(payload, str) else payload)
        self.unconfirmed += 1
        self.most_unconfirmed = max(self.most_unconfirmed, self.unconfirmed)
        if self.unconfirmed == MOST_UNCONFIRMED:
            self.full.set()
        await self.go.wait()
        self.unconfirmed -= 1
        if payload == self._refuses:
            raise PublicationRefusedError("not authorised")


MESSAGES = [str(number).encode() for number in range(250)]


async def test_every_message_is_published_in_order_and_confirmed() -> None:
    connection, confirmed = FakeConnection(), list[bytes]()
    await publish_all(connection, "tweets/in", MESSAGES, confirmed=confirmed.append)
    assert connection.published == MESSAGES
    assert sorted(confirmed) == sorted(MESSAGES)


async def test_the_number_of_unconfirmed_messages_is_limited() -> None:
    connection = FakeConnection()
    connection.go.clear()
    endless = (b"tweet" for _ in count())
    publishing_all = asyncio.create_task(publish_all(connection, "tweets/in", endless))
    await connection.full.wait()
    await asyncio.sleep(0)
    assert connection.most_unconfirmed == MOST_UNCONFIRMED
    publishing_all.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing_all


async def test_a_long_input_is_read_only_as_far_as_messages_can_be_sent() -> None:
    connection = FakeConnection()
    connection.go.clear()
    numbers = count()
    endless = (b"tweet" for _ in numbers)
    publishing_all = asyncio.create_task(publish_all(connection, "tweets/in", endless))
    await connection.full.wait()
    await asyncio.sleep(0)
    assert next(numbers) <= MOST_UNCONFIRMED + 1
    publishing_all.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing_all


async def test_a_refusal_ends_publishing_with_the_brokers_error() -> None:
    confirmed = list[bytes]()
    with pytest.raises(BrokerError, match="not authorised"):
        await publish_all(FakeConnection(refuses=b"7"), "tweets/in", MESSAGES, confirmed=confirmed.append)
    assert b"7" not in confirmed


async def test_with_a_rate_no_message_is_sent_before_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 50.0
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr("stream.mqtt.publishing.asyncio.sleep", sleep)
    await publish_all(FakeConnection(), "tweets/in", MESSAGES[:4], rate=8.0)
    assert slept == [0.0, 0.125, 0.125, 0.125]
