"""Where a fault is let loose: a node, its broker, a relay between them, tweets coming in, books of what comes out."""

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
from tests.chaos.books import Books
from tests.chaos.relay import Packet, Relay
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
"""Shorter than a user would set, so that a fault is noticed sooner; and no messages beside tweets and results."""
_OPTIONS = """\
allow_anonymous true
max_inflight_messages 64
"""
"""As many as the node wants to hold; by MQTT 3.1.1 it cannot say so itself."""
_WORDS = ("nice", "lovely", "street", "train", "sad", "awful")
_REJECTED_SHARE = 0.03
_LOOK_SECONDS = 0.05
_PACED_BYTES_PER_SECOND = 40_000
"""Some four hundred tweets."""
_END = "end"


@dataclass(frozen=True)
class Plan:
    """What a rig is built from.

    Attributes:
        folder: An empty folder for what the programs write.
        disk: Where the broker saves.
        model: The model bundle.
        protocol: The version of MQTT.
        tweets: How many there will be.
        padding_bytes: What each carries along that is not text.
        seed: What the dice begin with.
    """

    folder: Path
    disk: Path
    model: Path
    protocol: str
    tweets: int
    padding_bytes: int
    seed: str

    def message(self, tweet_id: str) -> bytes:
        """Write a tweet, the same each time; a few of them have no text, and are to be rejected."""
        dice = random.Random(f"{self.seed} {tweet_id}")
        text = "" if dice.random() < _REJECTED_SHARE else " ".join(dice.choices(_WORDS, k=8))
        return orjson.dumps({"id": tweet_id, "text": text, "padding": "x" * self.padding_bytes})


class Watch:
    """What /metrics says of the node while the fault is on."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._looked = asyncio.Condition()
        self.connected = False
        self.held = 0
        self.most_held = 0
        self.first_memory_bytes = 0.0
        self.most_memory_bytes = 0.0

    async def look(self) -> None:
        """Look again and again, for as long as it is let."""
        while True:
            exposition = await self._node.metrics()
            if exposition:
                await self._enter(exposition)
            await asyncio.sleep(_LOOK_SECONDS)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the node says something that makes the condition true."""
        async with self._looked:
            await self._looked.wait_for(condition)

    async def _enter(self, exposition: str) -> None:
        self.connected = bool(metric(exposition, "starling_broker_connected"))
        self.held = int(metric(exposition, "starling_tweets_in_progress"))
        self.most_held = max(self.most_held, self.held)
        memory_bytes = metric(exposition, "process_resident_memory_bytes")
        if self.connected and not self.first_memory_bytes:
            self.first_memory_bytes = memory_bytes
        self.most_memory_bytes = max(self.most_memory_bytes, memory_bytes)
        async with self._looked:
            self._looked.notify_all()


class Rig:
    """What a fault gets its hands on.

    Attributes:
        broker: Mosquitto, with persistence.
        disk: Where it saves.
        relay: What the node takes for the broker.
        node: The service, as a program of its own.
        books: What became of the tweets, read from the broker directly.
        watch: What the node says of itself.
        dice: The fault's own source of chance.
        ids: The tweets.
        window: How many of them the node may hold.
    """

    def __init__(self, plan: Plan, broker: Mosquitto, relay: Relay, node: Node, settings: Settings) -> None:
        self.broker = broker
        self.disk = plan.disk
        self.relay = relay
        self.node = node
        self.settings = settings
        self.window = settings.broker.receive_maximum
        self.books = Books(settings)
        self.watch = Watch(node)
        self.dice = random.Random(plan.seed)
        self.ids = [str(number) for number in range(plan.tweets)]
        self._plan = plan
        self._farewells = 0
        self._unsaved = 0
        self._published = asyncio.Event()

    async def publish(self) -> None:
        """Publish the tweets, directly to the broker, as fast as it takes them."""
        messages = (self._plan.message(tweet_id) for tweet_id in self.ids)
        async with Connection(self.settings.broker) as client:
            await publish_all(client, self.settings.topics.tweet_topics[0], messages)
        self._published.set()

    async def all_published(self) -> None:
        """Wait until the broker has all tweets; meanwhile none reaches the node."""
        self.relay.hold(Packet.TWEET)
        await self._published.wait()
        self.relay.release(Packet.TWEET)

    async def done(self, share: float) -> None:
        """Wait until that share of the tweets has its results."""
        await self.books.until(lambda: len(self.books.results) >= share * len(self.ids))

    async def more_done(self, count: int) -> None:
        """Wait for results of so many more tweets, or of the last."""
        wanted = min(len(self.books.results) + count, len(self.ids))
        await self.books.until(lambda: len(self.books.results) >= wanted)

    async def holding(self, count: int) -> None:
        """Wait until the node holds so many tweets."""
        await self.watch.until(lambda: self.watch.held >= count)

    async def disconnected(self) -> None:
        """Wait until the node says that it has lost the broker."""
        await self.watch.until(lambda: not self.watch.connected)

    async def kill_node(self) -> None:
        """End the node as a power cut would: what it has sent and the broker has not yet received is lost too."""
        await self.node.kill()
        self.relay.cut()

    async def stop_node(self) -> None:
        """Have the node drain and end; it owes the broker nothing then."""
        self.node.tell_to_stop()
        assert await self.node.stopped() == 0
        self._farewells += 1

    async def start_node(self) -> None:
        """Start the node again."""
        self.fault_lifted()
        await self.node.start()
        await self.node.ready()

    @contextlib.asynccontextmanager
    async def saved(self) -> AsyncIterator[None]:
        """Make the broker save; what is labelled from here on, as long as the context lasts, it may forget."""
        self.relay.slow(_PACED_BYTES_PER_SECOND)  # lest the node be done with everything meanwhile
        before = self.books.results.total()  # what comes while it saves may be missing from what it saves
        await asyncio.to_thread(self.broker.save)
        yield
        self._unsaved += self.books.results.total() - before
        self.relay.flow()

    def fault_lifted(self) -> None:
        """Start to measure how long the node takes to label again."""
        assert self.books.lost(self.ids), "the fault came when all was done: nothing can recover"
        self.books.fault_lifted()

    async def finished(self) -> None:
        """Wait until every tweet has its result, and whatever else was under way has come too."""
        await self._published.wait()
        await self.books.until(lambda: not self.books.lost(self.ids))
        await self.watch.until(lambda: not self.watch.held)
        async with Connection(self.settings.broker) as client:  # comes after all results that the broker had before
            await client.publish_confirmed(self.settings.topics.rejected, orjson.dumps({"id": _END}))
        await self.books.until(lambda: _END in self.books.rejections)

    def may_repeat(self) -> int:
        """How many tweets may have come out more than once.

        For each session that was lost, what the node held: a window. Beside that, what it had acknowledged and the
        broker never heard, and what was done after the broker had saved and before it died.
        """
        sessions_lost = self.relay.arrived(Packet.SUBSCRIPTION) - 1 - self._farewells
        return self.window * sessions_lost + self.relay.lost(Packet.ACKNOWLEDGEMENT) + self._unsaved


@contextlib.asynccontextmanager
async def rig(plan: Plan) -> AsyncIterator[Rig]:
    """Build a rig, entered when the node is ready and no tweet has been sent."""
    folder = plan.folder
    with Mosquitto(folder, _OPTIONS, disk=plan.disk) as broker:
        settings = settings_for(broker.port, broker={"protocol": plan.protocol, **_BROKER}, model={"path": plan.model})
        async with Relay(broker.port, random.Random(plan.seed)) as relay:
            through_relay = settings.broker.model_copy(update={"port": relay.port})
            config = write_config(folder, settings.model_copy(update={"broker": through_relay}), http_port=0)
            async with Node(config, folder / "node.log") as node:
                built = Rig(plan, broker, relay, node, settings)
                async with built.books.open(), asyncio.TaskGroup() as tasks:
                    watching = tasks.create_task(built.watch.look(), name="watch")
                    await node.ready()
                    await built.watch.until(lambda: built.watch.first_memory_bytes > 0)  # what it may grow from
                    yield built
                    watching.cancel()
