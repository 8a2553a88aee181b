"""`starling demo`: run a broker, the service and a publisher of sample tweets in one process."""

import asyncio
import itertools
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from importlib.resources import files
from pathlib import Path

import aiomqtt
import orjson
import typer
from rich.console import Console

from stream.commands.demo.embedded_broker import HOST, embedded_broker, most_in_flight
from stream.commands.demo.entities import ENTITIES
from stream.commands.demo.live import POSTS, live_posts
from stream.commands.demo.meter import simulated_meter
from stream.commands.demo.tally import Tally
from stream.commands.demo.view import DemoView, LineView, LiveView
from stream.errors import BrokerError, LostTweetsError, leaves, ungrouped
from stream.model.bundle import SHIPPED, read_manifest
from stream.service import Service
from stream.session.topics import ONLINE, energy_topic, status_topic
from stream.settings import (
    BrokerSettings,
    HttpSettings,
    LimitSettings,
    ModelSettings,
    Settings,
    TopicSettings,
    load_settings,
)
from stream.telemetry.logs import log_to_stderr
from stream.tweets.decoding import decode_tweet
from stream.tweets.rejections import RejectedTweetError

_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
"""Without it Nagle's algorithm holds small packets back for some 40 ms, which the demo would show as latency."""
_ENTITY_BUNDLE = "reputation"
_PATIENCE_SECONDS = 10.0
"""Time without a result after which the outstanding tweets count as lost."""
_IDLE_SECONDS = 3.5
"""Time before the first tweet, in which the meter measures the machine's power without load."""
_STOP_SECONDS = 30.0
"""Time for the service to stop, after which it is cancelled."""


def run_demo(
    *,
    tweets: int | None,
    rate: float,
    model: Path | None,
    simulate_meter: bool,
    as_json: bool,
    source: str | None = None,
) -> None:
    """Run the demo, and print its summary.

    Args:
        tweets: Number of samples to send, starting again after the last one; None: each once.
        rate: Tweets per second; 0: as fast as they are labelled.
        model: Folder of the model bundle; None: the shipped one that reads entities, else the default one.
        simulate_meter: Whether to show power from a simulated meter, instead of the settings' source.
        as_json: Whether to print only the summary, as JSON on stdout.
        source: Public stream whose posts are shown instead of the samples, if it can be reached.

    Raises:
        LostTweetsError: A tweet got neither a label nor a rejection.
        StarlingError: The demo cannot run.
    """
    log_to_stderr("warning")
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # aiomqtt's, which raises what it logs
    tally = Tally()
    settings = _settings(model)
    each_once = samples_for(read_manifest(settings.model.path).languages)
    texts = _texts(each_once)
    view = DemoView() if as_json else _view(tally, texts)
    samples = itertools.islice(itertools.cycle(each_once), tweets or len(each_once))
    messages = _each(samples)
    if source:
        messages = live_posts(source, settings, tweets or POSTS, texts, samples)
    with ungrouped():
        asyncio.run(_demo(settings, messages, rate, tally, view, simulate_meter=simulate_meter))
    if as_json:
        typer.echo(orjson.dumps(tally.summary() | ({"energy": view.energy_summary} if view.energy_summary else {})))
    if tally.outstanding:
        raise LostTweetsError(f"{tally.outstanding} of {tally.published} tweets were lost")


def sample_tweets() -> list[bytes]:
    """Return the messages of stream/samples/tweets.jsonl."""
    return _lines("tweets.jsonl")


def samples_for(languages: Collection[str]) -> list[bytes]:
    """Return the samples for a model of these languages: those in other languages than English first, if it has any."""
    return (_lines("languages.jsonl") if set(languages) - {"en"} else []) + sample_tweets()


def _lines(name: str) -> list[bytes]:
    return (files("stream") / "samples" / name).read_bytes().removesuffix(b"\n").split(b"\n")


def _view(tally: Tally, texts: dict[str, str]) -> DemoView:
    return LiveView(tally, texts) if Console().is_terminal else LineView(tally, texts)


def _texts(samples: list[bytes]) -> dict[str, str]:
    texts = {}
    for sample in samples:
        with suppress(RejectedTweetError):
            tweet = decode_tweet(sample, LimitSettings())
            texts[tweet.id] = tweet.text
    return texts


async def _each(messages: Iterable[bytes]) -> AsyncIterator[bytes]:
    for message in messages:
        yield message


async def _demo(
    settings: Settings,
    messages: AsyncIterator[bytes],
    rate: float,
    tally: Tally,
    view: DemoView,
    *,
    simulate_meter: bool,
) -> None:
    meter = simulated_meter() if simulate_meter else nullcontext(settings.power)
    async with meter as power, embedded_broker() as port:
        broker = BrokerSettings(host=HOST, port=port, protocol="3.1.1", proof_seconds=0)
        settings = settings.model_copy(update={"broker": broker, "power": power})
        async with connected_client(port) as client, _service(settings, client, view):
            with view:
                if power.port:
                    await asyncio.sleep(_IDLE_SECONDS)
                with _broker_errors():
                    await _Exchange(settings, client, tally, view).run(messages, rate)
    view.finish()


def _settings(model: Path | None) -> Settings:
    """Return the user's settings with the broker, the port and the name of the demo."""
    return load_settings().model_copy(
        update={
            "node": "demo",
            "topics": TopicSettings(),
            "http": HttpSettings(port=0),
            "model": ModelSettings(path=model or default_model(), repeats=0),  # because the samples repeat
            "entities": list(ENTITIES),
        }
    )


def default_model() -> Path | None:
    """Return the shipped model that reads entities; None, the default one, if there is none."""
    return Path(_ENTITY_BUNDLE) if (SHIPPED / _ENTITY_BUNDLE).is_dir() else None


@asynccontextmanager
async def connected_client(port: int) -> AsyncIterator[aiomqtt.Client]:
    """Connect the demo's sender and reader of results with aiomqtt, as a user's program might."""
    with _broker_errors():
        async with aiomqtt.Client(
            HOST, port, protocol=aiomqtt.ProtocolVersion.V311, socket_options=[_NO_DELAY]
        ) as client:
            yield client


@contextmanager
def _broker_errors() -> Iterator[None]:
    """Turn aiomqtt's errors, alone or in a task group's, into one of Starling's own."""
    try:
        yield
    except* aiomqtt.MqttError as group:
        first = next(leaves(group))
        raise BrokerError(
            f"the demo has lost its broker, for which this machine may be too slow: {first}; try a lower --rate"
        ) from first


@asynccontextmanager
async def _service(settings: Settings, client: aiomqtt.Client, view: DemoView) -> AsyncIterator[None]:
    """Run the service, entered once it is ready for tweets."""
    service = Service(settings, view.listening)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(service.run(), name="service")
        await client.subscribe(status_topic(settings.node), qos=1)
        async for message in client.messages:
            if message.payload == ONLINE.encode():
                break
        view.ready(time.perf_counter() - started)
        yield
        service.stop()
        _, late = await asyncio.wait([running], timeout=_STOP_SECONDS)
        for task in late:
            task.cancel()


class _Exchange:
    """Publishes samples, receives their results, and passes them to the tally and the view."""

    def __init__(self, settings: Settings, client: aiomqtt.Client, tally: Tally, view: DemoView) -> None:
        self._topics = settings.topics
        self._energy_topic = energy_topic(settings.node)
        self._client = client
        self._tally = tally
        self._view = view
        self._arrived = asyncio.Event()

    async def run(self, messages: AsyncIterator[bytes], rate: float) -> None:
        """Return when every message has its result, or no result has come for a while."""
        for topic in (self._topics.labels, self._topics.rejected, self._energy_topic):
            await self._client.subscribe(topic, qos=1)
        async with asyncio.TaskGroup() as tasks:
            receiving = tasks.create_task(self._receive(), name="receive")
            with suppress(TimeoutError):
                await self._publish(messages, rate)
                await self._settle()
            receiving.cancel()

    async def _publish(self, messages: AsyncIterator[bytes], rate: float) -> None:
        started, number = time.monotonic(), -1
        async for message in messages:
            number += 1
            if rate:
                await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
            await self._wait_while(lambda: self._tally.outstanding >= most_in_flight(self._tally.tweets_per_second))
            self._tally.sent(message)
            await self._client.publish(self._topics.tweet_topics[0], message, qos=1)

    async def _settle(self) -> None:
        await self._wait_while(lambda: self._tally.outstanding > 0)

    async def _wait_while(self, holds: Callable[[], bool]) -> None:
        """Wait for results while a condition holds.

        Raises:
            TimeoutError: None has come for a while.
        """
        while holds():
            self._arrived.clear()
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._arrived.wait()

    async def _receive(self) -> None:
        async for message in self._client.messages:
            topic, payload = message.topic.value, bytes(message.payload)
            if topic == self._topics.labels:
                self._view.label(*self._tally.labelled(payload))
            elif topic == self._topics.rejected:
                self._view.rejection(*self._tally.rejected(payload))
            else:
                if topic == self._energy_topic and payload:
                    self._view.energy(orjson.loads(payload))
                continue  # or the node's status
            self._arrived.set()
