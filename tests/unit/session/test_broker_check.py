"""The check of a broker, with brokers that lack something."""

import asyncio
import re
from typing import Any

import pytest

from stream.errors import BrokerError
from stream.mqtt.packets import CONNECT, SUBSCRIBE
from stream.session.broker_check import check_broker
from stream.session.proof import prove_sharing
from stream.settings import Settings, load_settings
from tests.unit.mqtt.scripted_broker import Peer, connack, scripted_broker
from tests.unit.session.memory_broker import MemoryBroker

CHECK = "starling/pi/check"
ABSENT = (
    "the broker does not keep messages for an absent session: tweets that arrive while the node is away, or that it "
    "has not acknowledged, are lost; use another broker, or turn persistent sessions on"
)
NOT_AGAIN = (
    "the broker does not send a message again that was not acknowledged: tweets that the node holds when its "
    "connection is lost, or when it is killed, are lost; use another broker"
)
NOT_BACK = f"the broker takes messages to {CHECK} but does not bring them back: check its access rules"
NO_SHARING = (
    "the broker grants a shared subscription ($share/…) and delivers nothing: leave out broker.group, or use a broker "
    "that supports shared subscriptions"
)
UNREADABLE = "the broker grants the subscription to tweets/in and delivers nothing: check that this user may read there"


def settings_of(*, tweets: list[str] | None = None, **broker: Any) -> Settings:
    return load_settings(
        overrides={
            "node": "pi",
            "broker": {"host": "there", "group": "kitchen"} | broker,
            "topics": {"tweets": tweets or ["tweets/in"]},
        }
    )


async def test_a_broker_that_disconnects_after_a_shared_subscription_is_reported() -> None:
    async def script(peer: Peer) -> None:
        await peer.expect(CONNECT)
        peer.send(connack(version_5=False))
        await peer.expect(SUBSCRIBE)

    async with scripted_broker(script, protocol="3.1.1", group="kitchen") as broker:
        with pytest.raises(BrokerError, match=r"no shared subscription .* leave out broker\.group"):
            await prove_sharing(Settings(node="test", broker=broker), "starling/test/check")


@pytest.mark.virtual_time
async def test_everything_that_works_is_listed(memory_broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([10.0, 12.3])
    monkeypatch.setattr("time.perf_counter", lambda: next(seconds))
    assert await check_broker(settings_of(tweets=["tweets/in", "tweets/more"])) == (
        "there:1883 carries a message there and back in 2300.0 ms over MQTT 5, keeps messages for an absent node, "
        "shares tweets in a group, delivers tweets/in, delivers tweets/more"
    )
    assert memory_broker.on(CHECK)[0] == b"check"
    assert {message.topic for message in memory_broker.published} == {CHECK, "tweets/in", "tweets/more"}


@pytest.mark.virtual_time
async def test_only_what_the_settings_need_is_checked(memory_broker: MemoryBroker) -> None:
    memory_broker.keeps_messages = memory_broker.shares = False
    memory_broker.refused["tweets/in"] = 0x87
    found = await check_broker(settings_of(group=None, session_expiry_seconds=0))
    assert re.fullmatch(r"there:1883 carries a message there and back in \d+\.\d ms over MQTT 5", found)


@pytest.mark.virtual_time
async def test_the_version_that_was_found_is_used_for_the_rest(memory_broker: MemoryBroker) -> None:
    memory_broker.protocol = "3.1.1"
    assert "over MQTT 3.1.1, keeps" in await check_broker(settings_of())
    assert [connection.settings.protocol for connection in memory_broker.opened] == ["auto"] + ["3.1.1"] * 6


@pytest.mark.virtual_time
async def test_the_session_of_the_check_is_ended_afterwards(memory_broker: MemoryBroker) -> None:
    await check_broker(settings_of())
    assert "starling-pi-check" in {connection.client for connection in memory_broker.opened}
    assert memory_broker.sessions == {}
    assert not any(connection.connected for connection in memory_broker.opened)


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("lacks", "error"),
    [
        ({"undelivered": {CHECK}}, NOT_BACK),
        ({"keeps_messages": False}, ABSENT),
        ({"keeps_sessions": False}, ABSENT),
        ({"undelivered_to": {"starling-pi-check"}}, ABSENT),
        ({"sends_again": False}, NOT_AGAIN),
        ({"shares": False}, NO_SHARING),
        ({"undelivered": {"tweets/in"}}, UNREADABLE),
    ],
)
async def test_what_a_broker_lacks_is_an_error(memory_broker: MemoryBroker, lacks: dict[str, Any], error: str) -> None:
    for name, value in lacks.items():
        setattr(memory_broker, name, value)
    with pytest.raises(BrokerError) as caught:
        await check_broker(settings_of())
    assert str(caught.value) == error
    assert not any(connection.connected for connection in memory_broker.opened)


@pytest.mark.virtual_time
@pytest.mark.parametrize(("lacks", "seconds"), [({"undelivered": {CHECK}}, 3), ({"keeps_sessions": False}, 0)])
async def test_a_missing_message_is_awaited_only_if_it_can_come(
    memory_broker: MemoryBroker, lacks: dict[str, Any], seconds: float
) -> None:
    for name, value in lacks.items():
        setattr(memory_broker, name, value)
    started = asyncio.get_running_loop().time()
    with pytest.raises(BrokerError):
        await check_broker(settings_of(timeout_seconds=3))
    assert asyncio.get_running_loop().time() - started == seconds


@pytest.mark.virtual_time
async def test_messages_of_others_do_not_disturb_the_check(memory_broker: MemoryBroker) -> None:
    memory_broker.retained[CHECK] = b"an old one"
    assert "keeps messages for an absent node" in await check_broker(settings_of())
