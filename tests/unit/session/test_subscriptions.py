"""Subscriptions that a node remembers, and the end of former ones."""

import asyncio
import logging
from typing import Any

import orjson
import pytest

from stream.errors import BrokerError
from stream.session.connections import Connections
from stream.session.subscriptions import (
    Subscriptions,
    node_subscription,
    read_remembered,
    subscribe,
    tweet_subscriptions,
)
from stream.settings import Settings, load_settings
from tests.unit.session.memory_broker import MemoryBroker, MemoryConnection

pytestmark = pytest.mark.virtual_time
TOPIC = "starling/pi/subscriptions"
OWN = "starling/pi/tweets"


def settings_of(*, tweets: list[str] | None = None, **broker: Any) -> Settings:
    return load_settings(
        overrides={"node": "pi", "broker": broker, "topics": {"tweets": tweets or ["tweets/in", "tweets/more"]}}
    )


class Node:
    """A node's connections, and its subscriptions over several sessions."""

    def __init__(self, broker: MemoryBroker, settings: Settings) -> None:
        self.broker, self.settings = broker, settings
        self.subscriptions = Subscriptions(settings)

    async def session(self) -> tuple[str, ...]:
        """Run a session that does nothing else, and return the topics whose subscriptions it has ended."""
        intake: Any = self.broker.connection(self.settings.broker, identifier="in", persistent=True)
        outlet: Any = self.broker.connection(self.settings.broker, identifier="out")
        session = Connections(intake, outlet)
        async with outlet, intake:
            await self.subscriptions.prepare(session)
            await self.subscriptions.end_former(session)
        return tuple(call[2] for call in self.broker.calls if call[1] == "unsubscribe")

    def remembered(self) -> list[list[str]]:
        """Return the messages in which the node has remembered its subscriptions."""
        messages = [message for message in self.broker.published if message.topic == TOPIC and message.client == "out"]
        assert all(message.retain for message in messages)
        return [orjson.loads(message.payload) for message in messages]

    async def connected(self) -> MemoryConnection:
        connection = self.broker.connection(self.settings.broker, identifier="in", persistent=True)
        return await connection.__aenter__()


def test_without_a_group_the_topics_are_subscribed_to_as_they_are() -> None:
    assert tweet_subscriptions(settings_of()) == ("tweets/in", "tweets/more")
    assert node_subscription(settings_of()) == OWN


def test_in_a_group_every_subscription_is_shared() -> None:
    settings = settings_of(group="kitchen")
    assert tweet_subscriptions(settings) == ("$share/kitchen/tweets/in", "$share/kitchen/tweets/more")
    assert node_subscription(settings) == "$share/kitchen/starling/pi/tweets"


async def test_the_subscriptions_are_remembered_before_they_are_made(memory_broker: MemoryBroker) -> None:
    node = Node(memory_broker, settings_of())
    assert node.subscriptions.has_own_topics is True
    assert await node.session() == ()
    assert node.remembered() == [[OWN, "tweets/in", "tweets/more"]]
    assert node.subscriptions.has_own_topics


async def test_what_is_remembered_already_is_not_published_again(memory_broker: MemoryBroker) -> None:
    memory_broker.retained[TOPIC] = orjson.dumps([OWN, "tweets/more", "tweets/in"])
    node = Node(memory_broker, settings_of())
    assert await node.session() == ()
    assert node.remembered() == []


async def test_former_subscriptions_are_ended_and_forgotten(
    memory_broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    memory_broker.retained[TOPIC] = orjson.dumps(["tweets/b", "tweets/a", "tweets/in"])
    node = Node(memory_broker, settings_of())
    assert await node.session() == ("tweets/a", "tweets/b")
    wanted = [OWN, "tweets/in", "tweets/more"]
    assert node.remembered() == [sorted([*wanted, "tweets/a", "tweets/b"]), wanted]
    assert caplog.messages == [
        f"ending the subscription to tweets/{name}, which the settings no longer ask for" for name in "ab"
    ]


async def test_former_subscriptions_are_read_and_ended_once(memory_broker: MemoryBroker) -> None:
    memory_broker.retained[TOPIC] = orjson.dumps(["tweets/a"])
    node = Node(memory_broker, settings_of())
    assert await node.session() == ("tweets/a",)
    opened = len(memory_broker.opened)
    assert await node.session() == ("tweets/a",)
    assert len(memory_broker.opened) == opened + 2
    assert len(node.remembered()) == 2


async def test_a_kept_session_without_a_message_has_the_ungrouped_subscriptions(memory_broker: MemoryBroker) -> None:
    node = Node(memory_broker, settings_of())
    await node.session()
    del memory_broker.retained[TOPIC]
    grouped = Node(memory_broker, settings_of(group="kitchen"))
    assert await grouped.session() == ("tweets/in", "tweets/more")


async def test_a_new_session_without_a_message_has_no_former_subscriptions(memory_broker: MemoryBroker) -> None:
    assert await Node(memory_broker, settings_of(group="kitchen")).session() == ()


async def test_a_kept_session_without_a_message_and_a_group_ends_nothing(memory_broker: MemoryBroker) -> None:
    await Node(memory_broker, settings_of()).session()
    del memory_broker.retained[TOPIC]
    assert await Node(memory_broker, settings_of(tweets=["tweets/new"])).session() == ()


async def test_a_broker_without_the_nodes_own_topics_is_used_without_them(
    memory_broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    memory_broker.undelivered.add(TOPIC)
    node = Node(memory_broker, settings_of())
    assert await node.session() == ()
    assert node.subscriptions.has_own_topics is False
    assert node.remembered() == []
    (warning,) = caplog.messages
    assert warning == (
        "subscriptions of former settings are not ended, nor is it proven that tweets arrive: the broker does not "
        f"bring back messages to {TOPIC}: check its access rules"
    )
    memory_broker.undelivered.clear()
    await node.session()
    assert node.subscriptions.has_own_topics
    assert len(node.remembered()) == 1


@pytest.mark.parametrize(
    ("payload", "topics"),
    [
        (b'["a","b"]', {"a", "b"}),
        (b"[]", set()),
        (b"no JSON", set()),
        (b'{"a":"b"}', set()),
        (b'["a",7,"",null,"b"]', {"a", "b"}),
        (orjson.dumps([f"{number}" for number in range(101)]), {f"{number}" for number in range(100)}),
    ],
)
async def test_any_remembered_message_is_read(memory_broker: MemoryBroker, payload: bytes, topics: set[str]) -> None:
    memory_broker.retained[TOPIC] = payload
    assert await read_remembered(settings_of()) == topics


async def test_without_a_message_nothing_is_remembered(memory_broker: MemoryBroker) -> None:
    assert await read_remembered(settings_of()) is None
    (connection,) = memory_broker.opened
    assert not connection.connected
    assert connection.settings == settings_of().broker
    assert not memory_broker.retained


async def test_messages_that_do_not_come_back_are_an_error_after_the_timeout(memory_broker: MemoryBroker) -> None:
    memory_broker.undelivered.add(TOPIC)
    started = asyncio.get_running_loop().time()
    with pytest.raises(BrokerError, match=rf"does not bring back messages to {TOPIC}: check its access rules"):
        await read_remembered(settings_of(timeout_seconds=7))
    assert asyncio.get_running_loop().time() - started == 7


async def test_in_a_new_session_a_refused_subscription_is_an_error_at_once(memory_broker: MemoryBroker) -> None:
    memory_broker.refused_subscriptions["tweets/in"] = BrokerError("not authorised")
    connection: Any = await Node(memory_broker, settings_of()).connected()
    with pytest.raises(BrokerError, match="not authorised"):
        await subscribe(connection, "tweets/in")


@pytest.mark.parametrize("kept", [False, True])
async def test_only_in_a_new_session_is_the_answer_to_a_subscription_awaited(
    memory_broker: MemoryBroker,
    monkeypatch: pytest.MonkeyPatch,
    kept: bool,  # noqa: FBT001
) -> None:
    awaited: list[str] = []

    async def confirmed(_: MemoryConnection, topic: str) -> None:
        awaited.append(topic)

    node = Node(memory_broker, settings_of())
    first = await node.connected()
    connection: Any = first
    if kept:
        await first.__aexit__(None, None, None)
        connection = await node.connected()
    monkeypatch.setattr(MemoryConnection, "subscribe_confirmed", confirmed)
    await subscribe(connection, "tweets/in")
    assert awaited == ([] if kept else ["tweets/in"])
    assert (("in", "subscribe", "tweets/in") in memory_broker.calls) is kept
