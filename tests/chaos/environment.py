"""Environment of a trial: a node, its broker, a relay between them, a publisher of tweets and a count of results."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from stream.mqtt.connection import Connection
from stream.mqtt.publishing import publish_all
from stream.settings import Settings
from tests.chaos.relay import Packet, Relay
from tests.chaos.result_counter import ResultCounter
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import settings_for, write_config
from tests.integration.program import Node, metric

_BROKER = {
    "keepalive_seconds": 5,
    "timeout_seconds": 5,
    "reconnect_seconds": 0.5,
    "wait_at_start": True,
    "proof_seconds": 0,
}
"""Short times, so that a fault is noticed sooner; no proof messages, so that only tweets and results are sent."""
_OPTIONS = """\
allow_anonymous true
max_inflight_messages 64
"""
"""The limit in flight equals the node's window, which the node cannot state over MQTT 3.1.1."""
_WORDS = ("nice", "lovely", "street", "train", "sad", "awful")
_REJECTED_SHARE = 0.03
_POLL_SECONDS = 0.05
_PACED_BYTES_PER_SECOND = 40_000
"""About 400 tweets per second."""
_END = "end"


@dataclass(frozen=True)
class Plan:
    """Parameters of an environment.

    Attributes:
        folder: Empty folder for the files of the programs.
        disk: Folder to which the broker saves.
        model: The model bundle.
        protocol: Version of MQTT.
        tweets: Number of tweets.
        padding_bytes: Size of an additional field of each tweet.
        seed: Seed of all random choices.
    """

    folder: Path
    disk: Path
    model: Path
    protocol: str
    tweets: int
    padding_bytes: int
    seed: str

    def message(self, tweet_id: str) -> bytes:
        """Return a tweet, always the same for an id; a few have no text and must be rejected."""
        random_generator = random.Random(f"{self.seed} {tweet_id}")
        text = "" if random_generator.random() < _REJECTED_SHARE else " ".join(random_generator.choices(_WORDS, k=8))
        return orjson.dumps({"id": tweet_id, "text": text, "padding": "x" * self.padding_bytes})


class Watch:
    """State of the node during the fault, read from /metrics."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._polled = asyncio.Condition()
        self.connected = False
        self.held = 0
        self.most_held = 0
        self.first_memory_bytes = 0.0
        self.most_memory_bytes = 0.0

    async def poll(self) -> None:
        """Read the metrics repeatedly, until cancelled."""
        while True:
            exposition = await self._node.metrics()
            if exposition:
                await self._record(exposition)
            await asyncio.sleep(_POLL_SECONDS)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the node's metrics make the condition true."""
        async with self._polled:
            await self._polled.wait_for(condition)

    async def _record(self, exposition: str) -> None:
        self.connected = bool(metric(exposition, "starling_broker_connected"))
        self.held = int(metric(exposition, "starling_tweets_in_progress"))
        self.most_held = max(self.most_held, self.held)
        memory_bytes = metric(exposition, "process_resident_memory_bytes")
        if self.connected and not self.first_memory_bytes:
            self.first_memory_bytes = memory_bytes
        self.most_memory_bytes = max(self.most_memory_bytes, memory_bytes)
        async with self._polled:
            self._polled.notify_all()


class Environment:
    """Programs and helpers that a fault can use.

    Attributes:
        broker: Mosquitto, with persistence.
        disk: Folder to which the broker saves.
        relay: Relay to which the node connects in place of the broker.
        node: The service, as a separate program.
        counter: Results of the tweets, read directly from the broker.
        watch: The node's metrics.
        random_generator: The fault's random generator.
        ids: Ids of the tweets.
        window: Number of tweets that the node may hold.
    """

    def __init__(self, plan: Plan, broker: Mosquitto, relay: Relay, node: Node, settings: Settings) -> None:
        self.broker = broker
        self.disk = plan.disk
        self.relay = relay
        self.node = node
        self.settings = settings
        self.window = settings.broker.receive_maximum
        self.counter = ResultCounter(settings)
        self.watch = Watch(node)
        self.random_generator = random.Random(plan.seed)
        self.ids = [str(number) for number in range(plan.tweets)]
        self._plan = plan
        self._stops = 0
        self._unsaved = 0
        self._published = asyncio.Event()

    async def publish(self) -> None:
        """Publish the tweets directly to the broker, as fast as it accepts them."""
        messages = (self._plan.message(tweet_id) for tweet_id in self.ids)
        async with Connection(self.settings.broker) as client:
            await publish_all(client, self.settings.topics.tweet_topics[0], messages)
        self._published.set()

    async def all_published(self) -> None:
        """Wait until the broker has all tweets; until then none reaches the node."""
        self.relay.hold(Packet.TWEET)
        await self._published.wait()
        self.relay.release(Packet.TWEET)

    async def done(self, share: float) -> None:
        """Wait until this share of the tweets has results."""
        await self.counter.until(lambda: len(self.counter.results) >= share * len(self.ids))

    async def more_done(self, count: int) -> None:
        """Wait for this many more results, or until all tweets have one."""
        wanted = min(len(self.counter.results) + count, len(self.ids))
        await self.counter.until(lambda: len(self.counter.results) >= wanted)

    async def holding(self, count: int) -> None:
        """Wait until the node holds this many tweets."""
        await self.watch.until(lambda: self.watch.held >= count)

    async def disconnected(self) -> None:
        """Wait until the node reports that it is disconnected."""
        await self.watch.until(lambda: not self.watch.connected)

    async def kill_node(self) -> None:
        """End the node as a power failure would: data that it sent and the broker has not received is lost too."""
        await self.node.kill()
        self.relay.cut()

    async def stop_node(self) -> None:
        """Make the node drain and exit; it has acknowledged all its tweets then."""
        self.node.tell_to_stop()
        assert await self.node.stopped() == 0
        self._stops += 1

    async def start_node(self) -> None:
        """Start the node again."""
        self.fault_ended()
        await self.node.start()
        await self.node.ready()

    @contextlib.asynccontextmanager
    async def saved(self) -> AsyncIterator[None]:
        """Make the broker save; it may forget results that are published while the context lasts."""
        self.relay.slow(_PACED_BYTES_PER_SECOND)  # so that the node does not finish everything in the meantime
        before = self.counter.results.total()  # results that arrive while it saves may be missing from the file
        await asyncio.to_thread(self.broker.save)
        yield
        self._unsaved += self.counter.results.total() - before
        self.relay.flow()

    def fault_ended(self) -> None:
        """Start to measure the time until the node labels again."""
        assert self.counter.lost(self.ids), "the fault came after the last result: no recovery can be measured"
        self.counter.fault_ended()

    async def finished(self) -> None:
        """Wait until every tweet has a result and all repeated results have arrived too."""
        await self._published.wait()
        await self.counter.until(lambda: not self.counter.lost(self.ids))
        await self.watch.until(lambda: not self.watch.held)
        async with Connection(self.settings.broker) as client:  # arrives after all earlier results
            await client.publish_confirmed(self.settings.topics.rejected, orjson.dumps({"id": _END}))
        await self.counter.until(lambda: _END in self.counter.rejections)

    def may_repeat(self) -> int:
        """Return the maximum number of tweets that may have more than one result.

        It is the sum of a window for each lost session, the acknowledgements that did not reach the broker, and the
        results after the broker had saved and before it was killed.
        """
        sessions_lost = self.relay.arrived(Packet.SUBSCRIPTION) - 1 - self._stops
        return self.window * sessions_lost + self.relay.lost(Packet.ACKNOWLEDGEMENT) + self._unsaved


@contextlib.asynccontextmanager
async def running_environment(plan: Plan) -> AsyncIterator[Environment]:
    """Build an environment, entered when the node is ready and no tweet has been sent."""
    folder = plan.folder
    with Mosquitto(folder, _OPTIONS, disk=plan.disk) as broker:
        settings = settings_for(broker.port, broker={"protocol": plan.protocol, **_BROKER}, model={"path": plan.model})
        async with Relay(broker.port, random.Random(plan.seed)) as relay:
            through_relay = settings.broker.model_copy(update={"port": relay.port})
            config = write_config(folder, settings.model_copy(update={"broker": through_relay}), http_port=0)
            async with Node(config, folder / "node.log") as node:
                environment = Environment(plan, broker, relay, node, settings)
                async with environment.counter.open(), asyncio.TaskGroup() as tasks:
                    watching = tasks.create_task(environment.watch.poll(), name="watch")
                    await node.ready()
                    # The memory before the first tweet is the base of its growth.
                    await environment.watch.until(lambda: environment.watch.first_memory_bytes > 0)
                    yield environment
                    watching.cancel()
