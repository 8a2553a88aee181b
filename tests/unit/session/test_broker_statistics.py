"""Export of the statistics that a broker publishes under $SYS."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import ClassVar, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from stream.errors import BrokerError
from stream.mqtt.packets import Message
from stream.session import broker_statistics
from stream.session.broker_statistics import BrokerStatistics, collect_broker_statistics, logger
from stream.settings import BrokerSettings, load_settings

DROPPED = "$SYS/broker/publish/messages/dropped"


def value(statistics: BrokerStatistics, name: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(statistics)
    return registry.get_sample_value(name)


def test_a_value_is_exported_after_it_was_received() -> None:
    statistics = BrokerStatistics()
    assert value(statistics, "starling_broker_messages_dropped_total") is None
    statistics.receive(DROPPED, b"12")
    assert value(statistics, "starling_broker_messages_dropped_total") == 12


def test_a_cleared_value_is_not_exported() -> None:
    statistics = BrokerStatistics()
    statistics.receive(DROPPED, b"12")
    statistics.clear()
    assert value(statistics, "starling_broker_messages_dropped_total") is None


@given(payload=st.binary(max_size=40))
def test_any_payload_leaves_a_finite_value(payload: bytes) -> None:
    statistics = BrokerStatistics()
    statistics.receive(DROPPED, b"1")
    statistics.receive(DROPPED, payload)
    known = value(statistics, "starling_broker_messages_dropped_total")
    assert known is not None
    assert abs(known) < float("inf")


def test_other_topics_are_not_exported() -> None:
    statistics = BrokerStatistics()
    statistics.receive("$SYS/broker/made/up", b"1")
    metrics = list(statistics.collect())
    assert {sample.value for metric in metrics for sample in metric.samples} == {0.0}
    assert all(metric.type == "counter" for metric in metrics if metric.name != "starling_broker_clients_away")
    assert all(metric.documentation for metric in metrics)


def test_nobody_is_away_before_the_broker_says_so() -> None:
    statistics = BrokerStatistics()
    assert value(statistics, "starling_broker_clients_away") is None
    statistics.receive("$SYS/broker/clients/connected", b"3")
    assert value(statistics, "starling_broker_clients_away") == 0
    statistics.receive("$SYS/broker/clients/disconnected", b"2")
    assert value(statistics, "starling_broker_clients_away") == 2


class FakeConnection:
    """A connection that delivers one value and is then lost."""

    made: ClassVar[list["FakeConnection"]] = []

    def __init__(self, settings: BrokerSettings, *, identifier: str) -> None:
        self.settings = settings
        self.identifier = identifier
        self.topics: list[str] = []
        self.made.append(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def subscribe_confirmed(self, topic: str) -> None:
        self.topics.append(topic)

    async def incoming(self) -> AsyncIterator[Message]:
        yield Message(DROPPED, b"3")
        await asyncio.sleep(0)
        raise BrokerError("the connection is lost")


def cancelled_after(delays_seconds: list[float]) -> Iterator[float]:
    yield from delays_seconds
    raise asyncio.CancelledError


async def test_statistics_are_read_again_after_each_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_statistics, "Connection", FakeConnection)
    monkeypatch.setattr(FakeConnection, "made", [])
    monkeypatch.setattr(broker_statistics, "reconnect_delays", lambda longest: cancelled_after([longest / 1e6] * 3))
    settings = load_settings(overrides={"node": "pi-1", "broker": {"sys_metrics": True, "reconnect_seconds": 0.5}})
    registry = CollectorRegistry()
    seen: list[float | None] = []
    monkeypatch.setattr(logger, "warning", lambda *_: seen.append(dropped(registry)))
    with pytest.raises(asyncio.CancelledError):
        await collect_broker_statistics(settings, registry)
    assert seen == [3.0] * 4
    assert dropped(registry) is None
    assert {(made.settings, made.identifier) for made in FakeConnection.made} == {
        (settings.broker, "starling-pi-1-sys")
    }
    assert DROPPED in FakeConnection.made[-1].topics
    assert len(FakeConnection.made[-1].topics) == 7


async def test_a_lost_connection_is_logged_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(broker_statistics, "Connection", FakeConnection)
    monkeypatch.setattr(broker_statistics, "reconnect_delays", lambda _: cancelled_after([]))
    settings = load_settings(overrides={"broker": {"sys_metrics": True}})
    with pytest.raises(asyncio.CancelledError):
        await collect_broker_statistics(settings, CollectorRegistry())
    assert [record.getMessage() for record in caplog.records] == [
        "the broker's statistics are not read: the connection is lost"
    ]


async def test_nothing_is_read_unless_the_settings_enable_it() -> None:
    registry = CollectorRegistry()
    await collect_broker_statistics(load_settings(), registry)
    assert list(registry.collect()) == []


def dropped(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("starling_broker_messages_dropped_total")
