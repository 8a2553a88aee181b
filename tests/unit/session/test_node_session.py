"""The session of a node: what it does in which order, and what it does after a loss."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from stream.errors import BrokerError
from stream.labelling.pipeline import LabellingPipeline
from stream.mqtt.packets import Message, Will
from stream.session.node_session import NodeSession
from stream.settings import Settings, load_settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from tests.unit.session.fake_pipeline import FakePipeline
from tests.unit.session.memory_broker import MemoryBroker

pytestmark = pytest.mark.virtual_time
IN, OUT = "starling-pi", "starling-pi-out"
STATUS, OWN, REMEMBERED = "starling/pi/status", "starling/pi/tweets", "starling/pi/subscriptions"
LABELS = "tweets/polarity"
GONE = "the connection is lost"


def settings_of(**broker: Any) -> Settings:
    return load_settings(overrides={"node": "pi", "broker": {"host": "there"} | broker})


class SlowPipeline(FakePipeline):
    """Labels after a while."""

    def __init__(self) -> None:
        super().__init__()
        self.label_seconds = 0.0

    async def label(self, *arguments: Any) -> Any:
        await asyncio.sleep(self.label_seconds)
        return await super().label(*arguments)


class Node:
    """A node in a broker in memory."""

    def __init__(self, broker: MemoryBroker, settings: Settings) -> None:
        self.broker, self.settings = broker, settings
        self.pipeline, self.metrics, self.health = SlowPipeline(), Metrics(), Health(60)
        self.stop = asyncio.Event()
        self.session = NodeSession(settings, cast("LabellingPipeline", self.pipeline), self.metrics, self.health)

    async def run(self) -> None:
        await self.session.run(self.stop)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    def lose(self, name: str = IN, error: BrokerError | None = None) -> None:
        self.broker.named(name).lose(error or BrokerError(GONE))

    def statuses(self) -> list[bytes]:
        return self.broker.on(STATUS)


@asynccontextmanager
async def running(broker: MemoryBroker, **options: Any) -> AsyncIterator[Node]:
    """Run a node, which is stopped at the end."""
    node = Node(broker, settings_of(**options))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(node.run())
        await asyncio.sleep(0.5)
        yield node
        node.stop.set()


@pytest.fixture
def longest_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each delay before an attempt to connect be the longest possible."""
    monkeypatch.setattr("random.uniform", lambda _, longest: longest)


async def test_a_node_connects_twice_and_only_the_tweets_session_is_kept(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker):
        intake, outlet = memory_broker.named(IN), memory_broker.named(OUT)
        assert (intake.persistent, outlet.persistent) == (True, False)
        assert intake.will is None
        assert outlet.will == Will(STATUS, b"offline", retain=True)
        assert intake.versions is outlet.versions
        assert intake.versions is not None
        assert intake.settings is outlet.settings


async def test_tweets_are_labelled_and_acknowledged(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker) as node:
        memory_broker.publish("tweets/in", b"7")
        await asyncio.sleep(1)
        assert memory_broker.on(LABELS) == [b'{"id":"7"}']
        assert b"7" in memory_broker.named(IN).acknowledged
        assert node.metric("starling_tweets_received_total") == 1


async def test_a_tweet_for_this_node_alone_is_labelled(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker, group="kitchen"):
        memory_broker.publish(OWN, b"7")
        await asyncio.sleep(1)
        assert memory_broker.on(LABELS) == [b'{"id":"7"}']


async def test_the_node_is_online_only_when_it_is_subscribed(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker):
        assert memory_broker.named(OUT).client == OUT
        online = next(number for number, one in enumerate(memory_broker.published) if one.payload == b"online")
        assert [one.topic for one in memory_broker.published[:online] if one.client == OUT] == [REMEMBERED]
        assert memory_broker.published[online].retain
        subscribed = [call[2] for call in memory_broker.calls if call[0] == IN]
        assert subscribed == ["tweets/in", OWN]


async def test_the_state_of_the_connection_is_shown(
    memory_broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(memory_broker) as node:
        assert node.health.broker_connected
        assert node.metric("starling_broker_connected") == 1
        assert node.metric("starling_broker_reconnects_total") == 0
        assert caplog.messages == ["connected to there:1883 (MQTT 5)"]
    assert not node.health.broker_connected
    assert node.metric("starling_broker_connected") == 0


async def test_a_stopped_node_says_that_it_is_offline_and_disconnects(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker) as node:
        assert node.statuses() == [b"online"]
    assert node.statuses() == [b"online", b"offline"]
    assert memory_broker.retained[STATUS] == b"offline"
    assert [call[0] for call in memory_broker.calls if call[1] == "disconnect"][-2:] == [IN, OUT]
    assert node.health.stopping
    assert not any(connection.connected for connection in memory_broker.opened)


async def test_tweets_in_progress_are_labelled_before_the_node_stops(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker) as node:
        node.pipeline.label_seconds = 5
        memory_broker.publish("tweets/in", b"7")
        await asyncio.sleep(0.1)
    assert memory_broker.on(LABELS) == [b'{"id":"7"}']
    labelled, offline = (
        next(number for number, one in enumerate(memory_broker.published) if one.payload == payload)
        for payload in (b'{"id":"7"}', b"offline")
    )
    assert labelled < offline


async def test_tweets_that_take_too_long_stay_with_the_broker(
    memory_broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(memory_broker, timeout_seconds=8) as node:
        node.pipeline.label_seconds = 100
        memory_broker.publish("tweets/in", b"7")
        await asyncio.sleep(0.1)
        node.stop.set()
        stopped = asyncio.get_running_loop().time()
        await asyncio.sleep(7.9)
        assert node.health.broker_connected
        await asyncio.sleep(0.2)
        assert not node.health.broker_connected
    assert caplog.messages == ["not all tweets were done in time; the broker keeps them for the next start"]
    assert memory_broker.on(LABELS) == []
    assert b"7" not in memory_broker.named(IN).acknowledged
    assert asyncio.get_running_loop().time() - stopped < 9


async def test_a_connection_that_is_lost_while_the_node_stops_is_not_made_again(
    memory_broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(memory_broker) as node:
        node.pipeline.label_seconds = 5
        memory_broker.publish("tweets/in", b"7")
        await asyncio.sleep(0.1)
        node.stop.set()
        await asyncio.sleep(0.1)
        opened = len(memory_broker.opened)
        node.lose()
    assert len(memory_broker.opened) == opened
    assert caplog.messages == [f"{GONE}; the broker keeps the unfinished tweets for the next start"]


async def test_a_member_of_a_group_leaves_it_before_it_stops(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker, group="kitchen"):
        assert b'"keeping_up"' in memory_broker.retained["starling/pi/group"]
    assert b'"behind"' in memory_broker.retained["starling/pi/group"]


@pytest.mark.parametrize("name", [IN, OUT])
@pytest.mark.usefixtures("longest_delays")
async def test_after_a_loss_of_either_connection_the_node_connects_again(
    memory_broker: MemoryBroker, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.INFO)
    async with running(memory_broker) as node:
        node.lose(name)
        await asyncio.sleep(0.4)
        assert not node.health.broker_connected
        await asyncio.sleep(0.2)
        assert node.health.broker_connected
        assert node.metric("starling_broker_reconnects_total") == 1
        memory_broker.publish("tweets/in", b"7")
        await asyncio.sleep(1)
        assert memory_broker.on(LABELS) == [b'{"id":"7"}']
    assert f"{GONE}; next attempt in 0.5 s" in caplog.messages
    assert "connected again to there:1883 (MQTT 5)" in caplog.messages


@pytest.mark.usefixtures("longest_delays")
async def test_an_unfinished_tweet_of_a_lost_session_is_labelled_once_in_the_next(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker) as node:
        node.pipeline.label_seconds = 5
        memory_broker.publish("tweets/in", b"7")
        await asyncio.sleep(1)
        node.lose()
        node.pipeline.label_seconds = 0
        await asyncio.sleep(10)
        assert memory_broker.on(LABELS) == [b'{"id":"7"}']


@pytest.mark.usefixtures("longest_delays")
async def test_a_tweet_that_is_delivered_again_gets_its_remembered_label(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker) as node:
        memory_broker.publish("tweets/in", b"7")
        await asyncio.sleep(1)
        node.lose()
        memory_broker.sessions[IN].put(Message("tweets/in", b"7", duplicate=True))
        await asyncio.sleep(1)
        assert memory_broker.on(LABELS) == [b'{"id":"7"}'] * 2
        assert node.pipeline.labelled == ["7"]


async def test_labels_of_sixteen_windows_are_remembered(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker, receive_maximum=2) as node:
        for number in range(33):
            memory_broker.publish("tweets/in", b"%d" % number)
            await asyncio.sleep(0.1)
        node.lose()
        for number in (1, 32, 0):
            memory_broker.sessions[IN].put(Message("tweets/in", b"%d" % number, duplicate=True))
        await asyncio.sleep(100)
        assert node.pipeline.labelled[33:] == ["0"]


@pytest.mark.usefixtures("longest_delays")
async def test_the_delays_between_attempts_grow_and_begin_anew_after_a_long_session(
    memory_broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(memory_broker, reconnect_seconds=4) as node:
        for seconds in (0.5, 1, 2, 4, 4):
            node.lose()
            await asyncio.sleep(seconds + 0.1)
        await asyncio.sleep(5)
        node.lose()
        await asyncio.sleep(1)
    told = [message.rsplit("next attempt in ")[-1] for message in caplog.messages]
    assert told == ["0.5 s", "1.0 s", "2.0 s", "4.0 s", "4.0 s", "0.5 s"]


@pytest.mark.usefixtures("longest_delays")
async def test_quick_losses_hint_at_another_service_of_that_name(
    memory_broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    taken_over = BrokerError("taken over", reason_code=0x8E)
    async with running(memory_broker) as node:
        for _ in range(2):
            node.lose(error=taken_over)
            await asyncio.sleep(2)
    hint = "; is another service running as 'pi'?"
    assert caplog.messages[0].startswith("taken over; next attempt")
    assert caplog.messages[1].startswith(f"taken over{hint}; next attempt")


@pytest.mark.usefixtures("longest_delays")
async def test_attempts_that_fail_give_no_hint_and_are_repeated(
    memory_broker: MemoryBroker, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(memory_broker) as node:
        memory_broker.refuses_connections = BrokerError("refused")
        node.lose()
        await asyncio.sleep(10)
        assert not node.health.broker_connected
        memory_broker.refuses_connections = None
        await asyncio.sleep(10)
        assert node.health.broker_connected
    assert len(caplog.messages) == 5
    assert all(message.startswith("refused; next attempt") for message in caplog.messages[1:])


async def test_a_first_connection_that_fails_is_an_error(memory_broker: MemoryBroker) -> None:
    memory_broker.refuses_connections = BrokerError("refused")
    with pytest.raises(BrokerError, match="refused"):
        await Node(memory_broker, settings_of()).run()


@pytest.mark.usefixtures("longest_delays")
async def test_a_first_connection_is_waited_for_if_the_settings_say_so(memory_broker: MemoryBroker) -> None:
    memory_broker.refuses_connections = BrokerError("refused")
    async with running(memory_broker, wait_at_start=True) as node:
        await asyncio.sleep(5)
        memory_broker.refuses_connections = None
        await asyncio.sleep(5)
        assert node.health.broker_connected
        assert node.metric("starling_broker_reconnects_total") == 0


async def test_a_node_that_is_stopped_between_attempts_ends_at_once(memory_broker: MemoryBroker) -> None:
    memory_broker.refuses_connections = BrokerError("refused")
    node = Node(memory_broker, settings_of(wait_at_start=True))
    runs = asyncio.create_task(node.run())
    await asyncio.sleep(100)
    node.stop.set()
    await asyncio.sleep(0)
    await asyncio.wait_for(runs, 1)


async def test_a_stopped_node_does_not_connect(memory_broker: MemoryBroker) -> None:
    node = Node(memory_broker, settings_of())
    node.stop.set()
    await node.run()
    assert memory_broker.opened == []


async def test_the_proof_is_kept_and_reading_is_proven_at_once_only_in_the_first_session(
    memory_broker: MemoryBroker,
) -> None:
    async with running(memory_broker) as node:
        assert len(memory_broker.on(OWN)) == len(memory_broker.on("tweets/in")) == 1
        node.lose()
        await asyncio.sleep(5)
        assert node.health.broker_connected
        assert len(memory_broker.on(OWN)) == 2
        assert len(memory_broker.on("tweets/in")) == 1
        memory_broker.undelivered.add(OWN)
        await asyncio.sleep(400)
        assert "subscription" in node.health.obstacles
    assert node.health.obstacles == {}


async def test_while_tweets_are_in_progress_a_missing_proof_is_no_obstacle(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker, proof_seconds=1) as node:
        node.pipeline.label_seconds = 1000
        memory_broker.publish("tweets/in", b"7")
        await asyncio.sleep(0.1)
        memory_broker.undelivered.add(OWN)
        await asyncio.sleep(50)
        assert node.health.obstacles == {}


async def test_a_tweet_that_takes_too_long_is_shown(memory_broker: MemoryBroker) -> None:
    async with running(memory_broker) as node:
        node.pipeline.label_seconds = 1000
        memory_broker.publish("tweets/in", b"7")
        await asyncio.sleep(59)
        assert node.health.stuck() is None
        await asyncio.sleep(2)
        assert node.health.stuck() == "a tweet or an inference has been under way for 61 s"
    assert node.health.stuck() is None
