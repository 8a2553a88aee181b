"""The proof that tweets can arrive, with a broker and a clock that the test controls."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from stream.errors import BrokerError
from stream.session import proof as proof_module
from stream.session.connections import Connections
from stream.session.proof import (
    Proof,
    Reading,
    concrete,
    is_proof,
    proof_message,
    prove_reading,
    prove_sharing,
    unreadable,
)
from stream.settings import Settings, load_settings
from stream.telemetry.health import Health
from tests.unit.session.memory_broker import MemoryBroker

pytestmark = pytest.mark.virtual_time
OWN, TWEETS = "starling/pi/tweets", "tweets/in"
NO_OWN_TOPIC = "the broker delivers nothing of starling/pi/tweets: check its access rules for this user"
NO_SHARING = (
    "the broker delivers nothing to the shared subscription of group 'kitchen': check that it supports shared "
    "subscriptions ($share/…), or leave out broker.group"
)


def settings_of(*, tweets: list[str] | None = None, **broker: Any) -> Settings:
    return load_settings(
        overrides={"node": "pi", "broker": {"proof_seconds": 300} | broker, "topics": {"tweets": tweets or [TWEETS]}}
    )


class Node:
    """A node whose session is subscribed to its own topic."""

    def __init__(self, broker: MemoryBroker, settings: Settings, *, with_tweets: bool) -> None:
        self.broker, self.settings = broker, settings
        self.intake = broker.connection(settings.broker, identifier="in", persistent=True)
        self.outlet = broker.connection(settings.broker, identifier="out")
        self.health = Health(60)
        self.busy = False
        self.proof = Proof(
            settings,
            Connections(cast("Any", self.intake), cast("Any", self.outlet)),
            self.health,
            lambda: self.busy,
            with_tweets=with_tweets,
        )

    def proofs(self, topic: str = OWN) -> list[float]:
        """Return the seconds after the start at which a proof was published."""
        loop_start = 1000
        published = zip(self.broker.published, self.broker.published_at, strict=True)
        return [round(at - loop_start, 3) for message, at in published if message.topic == topic]

    @property
    def obstacles(self) -> dict[str, str]:
        return self.health.obstacles

    def arrives(self) -> None:
        """Let a tweet arrive."""
        self.proof.arrived()


@asynccontextmanager
async def proving(
    broker: MemoryBroker, settings: Settings | None = None, *, with_tweets: bool = False
) -> AsyncIterator[Node]:
    node = Node(broker, settings or settings_of(), with_tweets=with_tweets)

    def take(message: Any) -> None:
        node.intake.acknowledge(message)
        node.proof.arrived()

    node.intake.deliver_to(take)
    async with node.outlet, node.intake:
        group = node.settings.broker.group
        await node.intake.subscribe_confirmed(f"$share/{group}/{OWN}" if group else OWN)
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(node.proof.keep())
            yield node
            keeping.cancel()


async def test_the_proof_is_given_at_once_and_after_each_while_without_tweets(memory_broker: MemoryBroker) -> None:
    async with proving(memory_broker) as node:
        await asyncio.sleep(1000)
        assert node.proofs() == [0, 300, 600, 900]
        assert all(is_proof(payload) for payload in memory_broker.on(OWN))
        assert len(set(memory_broker.on(OWN))) == 4
        assert node.obstacles == {}


async def test_a_tweet_delays_the_next_proof(memory_broker: MemoryBroker) -> None:
    async with proving(memory_broker) as node:
        for _ in range(3):
            await asyncio.sleep(200)
            node.arrives()
        await asyncio.sleep(299)
        assert node.proofs() == [0]
        await asyncio.sleep(2)
        assert node.proofs() == [0, 900]


async def test_tweets_that_arrive_while_the_proof_stands_set_no_timers(
    memory_broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, timers = asyncio.get_running_loop(), 0
    call_at = loop.call_at

    def count(*args: Any, **options: Any) -> asyncio.TimerHandle:
        nonlocal timers
        timers += 1
        return call_at(*args, **options)

    async with proving(memory_broker) as node:
        await asyncio.sleep(10)
        monkeypatch.setattr(loop, "call_at", count)
        for _ in range(100):
            node.arrives()
            await asyncio.sleep(0)
        assert timers == 0


async def test_with_zero_seconds_no_proof_is_given(memory_broker: MemoryBroker) -> None:
    async with proving(memory_broker, settings_of(proof_seconds=0), with_tweets=True):
        await asyncio.sleep(1000)
    assert memory_broker.published == []


@pytest.mark.parametrize(("group", "reason"), [(None, NO_OWN_TOPIC), ("kitchen", NO_SHARING)])
async def test_a_missing_proof_is_an_obstacle_and_the_proof_is_tried_again_soon(
    memory_broker: MemoryBroker, caplog: pytest.LogCaptureFixture, group: str | None, reason: str
) -> None:
    caplog.set_level(logging.INFO)
    memory_broker.undelivered.add(OWN)
    async with proving(memory_broker, settings_of(group=group, timeout_seconds=10)) as node:
        await asyncio.sleep(9)
        assert node.obstacles == {}
        await asyncio.sleep(32)
        assert node.proofs() == [0, 20, 40]  # each waits 10 s for the message, and 10 s until the next
        assert node.obstacles == {"subscription": reason}
        assert [record.getMessage() for record in caplog.records] == [f"no tweet can arrive: {reason}"]
        memory_broker.undelivered.clear()
        await asyncio.sleep(60)
        assert node.obstacles == {}
        assert caplog.messages[1:] == ["messages arrive through the subscription again"]


async def test_a_group_is_proven_through_its_shared_subscription(memory_broker: MemoryBroker) -> None:
    async with proving(memory_broker, settings_of(group="kitchen")) as node:
        await asyncio.sleep(100)
        assert node.obstacles == {}
        memory_broker.shares = False
        await asyncio.sleep(300)
        assert "shared subscription of group 'kitchen'" in node.obstacles["subscription"]


async def test_a_missing_proof_is_tried_again_after_the_shorter_of_both_times(memory_broker: MemoryBroker) -> None:
    memory_broker.undelivered.add(OWN)
    async with proving(memory_broker, settings_of(timeout_seconds=10, proof_seconds=3)) as node:
        await asyncio.sleep(30)
        assert node.proofs() == [0, 13, 26]


async def test_a_tweet_that_arrives_ends_the_obstacle(memory_broker: MemoryBroker) -> None:
    memory_broker.undelivered.add(OWN)
    async with proving(memory_broker) as node:
        await asyncio.sleep(11)
        assert node.obstacles
        node.arrives()
        await asyncio.sleep(1)
        assert node.obstacles == {}


async def test_while_tweets_are_in_progress_a_missing_proof_is_no_obstacle(memory_broker: MemoryBroker) -> None:
    memory_broker.undelivered.add(OWN)
    async with proving(memory_broker, with_tweets=True) as node:
        node.busy = True
        await asyncio.sleep(400)
        assert node.obstacles == {}
        assert node.proofs() == [0, 310]
        assert node.proofs(TWEETS) == []


async def test_reading_tweets_is_proven_after_a_while_without_tweets(memory_broker: MemoryBroker) -> None:
    async with proving(memory_broker) as node:
        await asyncio.sleep(301)
        assert node.proofs(TWEETS) == [300]


async def test_reading_tweets_is_proven_at_the_start_if_asked_for(memory_broker: MemoryBroker) -> None:
    async with proving(memory_broker, with_tweets=True) as node:
        await asyncio.sleep(301)
        assert node.proofs(TWEETS) == [0, 300]
        assert node.obstacles == {}


async def test_a_topic_of_tweets_that_is_not_delivered_is_an_obstacle(memory_broker: MemoryBroker) -> None:
    memory_broker.undelivered.add("tweets/c")
    memory_broker.refused_subscriptions["tweets/a"] = BrokerError("not authorised", reason_code=0x87)
    async with proving(
        memory_broker, settings_of(tweets=["tweets/a", "tweets/b", "tweets/c"]), with_tweets=True
    ) as node:
        await asyncio.sleep(12)
        assert node.obstacles == {"subscription": unreadable("tweets/c")}
        assert node.proofs("tweets/b") == [0]


async def test_a_reading_that_cannot_be_tried_is_no_obstacle_and_is_logged(
    memory_broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    memory_broker.refused_subscriptions[TWEETS] = BrokerError("not authorised", reason_code=0x87)
    async with proving(memory_broker, with_tweets=True) as node:
        await asyncio.sleep(12)
        assert node.obstacles == {}
    assert caplog.messages == ["reading tweets/in cannot be proven: not authorised"]


async def test_a_lost_connection_ends_the_proof(memory_broker: MemoryBroker) -> None:
    async with proving(memory_broker) as node:
        await asyncio.sleep(1)
        node.outlet.lose(BrokerError("gone"))
        with pytest.raises(BrokerError, match="gone"):
            await node.proof.keep()


def test_a_proof_message_is_json_and_recognised() -> None:
    message = proof_message()
    assert len(json.loads(message)["starling_proof"]) == 32
    assert is_proof(message)
    assert not is_proof(b'{"id":"1","text":"starling_proof"}')
    assert message != proof_message()


@pytest.mark.parametrize(
    ("topic_filter", "topic"),
    [("tweets/in", "tweets/in"), ("tweets/+/in", "tweets/starling/in"), ("tweets/#", "tweets/starling")],
)
def test_a_topic_that_a_filter_matches_is_found(topic_filter: str, topic: str) -> None:
    assert concrete(topic_filter) == topic


async def test_reading_is_proven_by_a_message_that_comes_back(memory_broker: MemoryBroker) -> None:
    assert await prove_reading(settings_of(), "tweets/#") is Reading.PROVEN
    (published,) = memory_broker.published
    assert (published.topic, is_proof(published.payload)) == ("tweets/starling", True)
    (connection,) = memory_broker.opened
    assert connection.acknowledged == [published.payload]
    assert not connection.connected


async def test_a_message_of_others_does_not_prove_reading(memory_broker: MemoryBroker) -> None:
    memory_broker.retained[TWEETS] = proof_message()
    memory_broker.undelivered.add("tweets/starling")
    assert await prove_reading(settings_of(), "tweets/+") is Reading.SILENT
    (connection,) = memory_broker.opened
    assert connection.acknowledged == [memory_broker.retained[TWEETS]]


@pytest.mark.parametrize(("protocol", "reading"), [("5", Reading.SILENT), ("3.1.1", Reading.NOT_ALLOWED)])
async def test_only_over_mqtt_5_does_silence_show_that_reading_is_not_allowed(
    memory_broker: MemoryBroker, protocol: str, reading: Reading
) -> None:
    memory_broker.undelivered.add(TWEETS)
    memory_broker.protocol = protocol
    started = asyncio.get_running_loop().time()
    assert await prove_reading(settings_of(timeout_seconds=10), TWEETS) is reading
    assert asyncio.get_running_loop().time() - started == 10


async def test_a_user_who_may_not_publish_tweets_proves_nothing(memory_broker: MemoryBroker) -> None:
    memory_broker.refused[TWEETS] = 0x87
    assert await prove_reading(settings_of(), TWEETS) is Reading.NOT_ALLOWED


async def test_sharing_is_proven_by_a_message_through_a_shared_subscription(memory_broker: MemoryBroker) -> None:
    await prove_sharing(settings_of(group="kitchen"), "starling/pi/check")
    assert memory_broker.calls[0][1:] == ("subscribe", "$share/kitchen/starling/pi/check")
    (message,) = memory_broker.on("starling/pi/check")
    assert is_proof(message)


async def test_a_broker_that_does_not_share_is_an_error(memory_broker: MemoryBroker) -> None:
    memory_broker.shares = False
    with pytest.raises(BrokerError) as caught:
        await prove_sharing(settings_of(group="kitchen"), "starling/pi/check")
    assert str(caught.value) == (
        "the broker grants a shared subscription ($share/…) and delivers nothing: leave out broker.group, or use a "
        "broker that supports shared subscriptions"
    )


async def test_messages_of_others_do_not_prove_sharing(
    memory_broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def publish_another(topic: str) -> None:
        await asyncio.sleep(1)
        memory_broker.publish(topic, b"another")

    monkeypatch.setattr(proof_module, "proof_message", lambda: b"mine")
    memory_broker.undelivered.add("starling/pi/check")
    other = asyncio.create_task(publish_another("starling/pi/check"))
    with pytest.raises(BrokerError, match="delivers nothing"):
        await prove_sharing(settings_of(group="kitchen"), "starling/pi/check")
    await other


async def test_a_refused_shared_subscription_is_reported_as_the_broker_says(memory_broker: MemoryBroker) -> None:
    refusal = BrokerError("no shared subscriptions", reason_code=0x9E)
    memory_broker.refused_subscriptions["$share/kitchen/a"] = refusal
    with pytest.raises(BrokerError) as caught:
        await prove_sharing(settings_of(group="kitchen"), "a")
    assert caught.value is refusal


async def test_a_broker_that_hangs_up_on_a_shared_subscription_is_explained(memory_broker: MemoryBroker) -> None:
    memory_broker.refused_subscriptions["$share/kitchen/a"] = BrokerError("the connection is lost")
    with pytest.raises(BrokerError) as caught:
        await prove_sharing(settings_of(group="kitchen"), "a")
    assert str(caught.value) == (
        "no shared subscription ($share/…) comes about: the connection is lost; leave out broker.group, or use a "
        "broker that supports shared subscriptions"
    )
