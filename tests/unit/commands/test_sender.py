"""Publishing of messages by `starling send`, over connections that fail."""

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Self

import pytest

from stream.commands import sender as sending
from stream.commands.reconnecting import Reconnection
from stream.commands.sender import Sender, SendOptions
from stream.errors import BrokerError, PublicationRefusedError
from stream.settings import BrokerSettings

SETTINGS = BrokerSettings(reconnect_seconds=0.001)


class Broker:
    """A broker that confirms, refuses, or loses connections; `published` has what was confirmed."""

    def __init__(self, refuses: tuple[bytes, ...] = (), loses: tuple[bytes, ...] = (), losses: int = 1) -> None:
        self.published: list[bytes] = []
        self.connections = 0
        self._refuses = refuses
        self._loses = dict.fromkeys(loses, losses)

    def connect(self, _settings: BrokerSettings) -> "Connection":
        self.connections += 1
        return Connection(self)

    def answer(self, payload: bytes) -> None:
        if self._loses.get(payload, 0) > 0:
            self._loses[payload] -= 1
            raise BrokerError("the connection is lost")
        if payload in self._refuses:
            raise PublicationRefusedError("not authorized")
        self.published.append(payload)


class Connection:
    """A connection to it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def wait_disconnected(self) -> None:
        await asyncio.Event().wait()

    async def publish_confirmed(self, _topic: str, payload: bytes) -> None:
        self._broker.answer(payload)


def batches(messages: int, size: int = 10) -> Iterator[list[bytes] | None]:
    payloads = [b"%d" % number for number in range(messages)]
    yield from (payloads[first : first + size] for first in range(0, messages, size))
    yield None


async def send(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, messages: int = 50
) -> tuple[Sender, BrokerError | None]:
    monkeypatch.setattr(sending, "Connection", broker.connect)
    sender = Sender(SETTINGS, "tweets/in", SendOptions(), lambda: None, lambda: False)
    following = batches(messages)
    try:
        await sender.send(lambda: next(following))
    except BrokerError as error:
        return sender, error
    return sender, None


async def test_all_messages_are_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker()
    sender, error = await send(broker, monkeypatch)
    assert (sender.confirmed, sender.unconfirmed, error) == (50, 0, None)
    assert sorted(broker.published, key=int) == [b"%d" % number for number in range(50)]


async def test_messages_that_were_not_confirmed_are_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(loses=(b"7", b"23"), losses=2)
    sender, error = await send(broker, monkeypatch)
    assert (sender.confirmed, sender.unconfirmed, error) == (50, 0, None)
    assert set(broker.published) == {b"%d" % number for number in range(50)}
    assert broker.connections > 2


async def test_a_refused_message_concerns_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(refuses=(b"7", b"8"))
    sender, error = await send(broker, monkeypatch)
    assert (sender.confirmed, sender.refused, sender.unconfirmed) == (48, 2, 0)
    assert str(error) == "the broker refused 2 of 50 tweets; the first: not authorized"
    assert broker.connections == 1


async def test_a_broker_that_refuses_everything_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(refuses=tuple(b"%d" % number for number in range(10_000)))
    sender, error = await send(broker, monkeypatch, messages=10_000)
    assert sender.refused < 300
    assert isinstance(error, PublicationRefusedError)


async def test_a_message_that_always_ends_the_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = Broker(loses=(b"0",), losses=1_000_000)
    sender, error = await send(broker, monkeypatch)
    assert str(error) == "the connection is lost"
    assert sender.unconfirmed > 0
    assert broker.connections < 60


async def test_a_broker_that_was_never_reached_is_not_waited_for() -> None:
    with pytest.raises(BrokerError, match="refused"):
        await Reconnection(1.0, 60.0).wait_after(BrokerError("refused"))


async def test_the_wait_for_a_lost_broker_ends(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = count()
    reconnection = Reconnection(0.001, 3.0, lambda: float(next(seconds)))
    assert not reconnection.reached()
    for _ in range(3):
        await reconnection.wait_after(BrokerError("lost"))
    with pytest.raises(BrokerError, match="lost"):
        await reconnection.wait_after(BrokerError("lost"))
    assert reconnection.reached()
    assert capsys.readouterr().err == "lost; reconnecting for up to 3 s\n"
