"""All parts of an end-to-end measurement: broker, service, publisher, subscriber, each a process of its own."""

import contextlib
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from stream.bench.broker import BenchBroker, bench_broker
from stream.bench.child import Child, module_command
from stream.bench.node import BenchNode, node_settings
from stream.bench.processor_time import Sampled, Sampler, cpu_seconds
from stream.bench.statistics import Arrivals, Seconds, due_seconds
from stream.settings import BrokerSettings, Settings

SERVICE, BROKER, PUBLISHER, SUBSCRIBER = "service", "broker", "publisher", "subscriber"
_LEAD_SECONDS = 0.2
"""From the request to the first tweet."""
_ANSWER_SECONDS = 7200.0
QUIET_SECONDS = 60.0
"""So long without a label means that those still missing will not come."""


@dataclass(frozen=True)
class Load:
    """Tweets that were sent, and when the label of each came; times are those of `time.monotonic`."""

    rate: float
    start_at: float
    published_at: float
    """When the broker had them all."""
    due: Seconds
    arrivals: Seconds
    """NaN for a label that did not come."""
    duplicates: int
    rejected: int
    latest_seconds: float
    """The most that the publisher itself was late."""

    @property
    def ended_at(self) -> float:
        """When the last label came."""
        return float(np.nanmax(self.arrivals, initial=self.start_at))

    @property
    def labelled(self) -> int:
        """How many have their label."""
        return int(np.count_nonzero(~np.isnan(self.arrivals)))

    @property
    def lost(self) -> int:
        """How many have neither label nor rejection."""
        return len(self.due) - self.labelled - self.rejected

    @property
    def latencies(self) -> Seconds:
        """From when each tweet was due until its label came, without those lost."""
        waits: Seconds = self.arrivals - self.due
        return waits[~np.isnan(waits)]

    def steady(self) -> tuple[float, float]:
        """The stretch in which the service worked off what waited, and nobody published."""
        first, last = float(np.nanmin(self.arrivals)), self.ended_at
        return (self.published_at, last) if self.published_at < (first + last) / 2 else (first, last)

    def labelled_between(self, start: float, end: float) -> int:
        """How many labels came after `start`, up to `end`."""
        return int(np.count_nonzero((self.arrivals > start) & (self.arrivals <= end)))


@dataclass(frozen=True)
class Ready:
    """What a service took from its start until it would label a tweet."""

    seconds: float
    cpu_seconds: float


class Rig:
    """The parts at work.

    Args:
        publisher: What sends tweets.
        subscriber: What takes labels.
        sampler: What samples all parts.
        broker: The broker.
        ready: What the service took to be ready.
    """

    def __init__(
        self, publisher: Child, subscriber: Child, sampler: Sampler, broker: BenchBroker, ready: Ready
    ) -> None:
        self._publisher = publisher
        self._subscriber = subscriber
        self._sampler = sampler
        self._next = 0
        self.broker = broker
        self.ready = ready

    @property
    def sampled(self) -> dict[str, Sampled]:
        """What each part used."""
        return self._sampler.of

    def load(self, count: int, rate: float = 0.0, arrivals: Arrivals = "poisson") -> Load:
        """Send tweets and wait for their labels.

        Args:
            count: How many.
            rate: Tweets a second; 0: all at once, to wait in the broker until the service comes to them.
            arrivals: How they follow each other.

        Raises:
            BenchError: The publisher or the subscriber ended.
        """
        first, self._next = self._next, self._next + count
        start_at = time.monotonic() + _LEAD_SECONDS
        quiet_seconds = QUIET_SECONDS + (count / rate if rate else 0.0)
        self._subscriber.tell({"first": first, "count": count, "quiet_seconds": quiet_seconds})
        request = {"first": first, "count": count, "rate": rate, "arrivals": arrivals, "start_at": start_at}
        sent = self._publisher.ask(request, _ANSWER_SECONDS)
        taken = self._subscriber.answer(_ANSWER_SECONDS)
        due = due_seconds(count, rate, arrivals) if rate else np.zeros(count)
        return Load(
            rate=rate,
            start_at=start_at,
            published_at=sent["ended"],
            due=start_at + due,
            arrivals=np.array(taken["arrivals"], dtype=np.float64),
            duplicates=taken["duplicates"],
            rejected=taken["rejected"],
            latest_seconds=sent["latest_seconds"],
        )


class Serving(Protocol):
    """What labels tweets: our service, or a peer."""

    ready_seconds: float

    @property
    def pid(self) -> int:
        """Its process."""


Serve = Callable[[BenchBroker, str, Path], contextlib.AbstractContextManager[Serving]]
"""Starts what labels tweets, given the broker, the first level of its topics, and a folder for files."""


def our_service(settings: Settings, cores: set[int] | None = None) -> Serve:
    """Start `starling run`.

    Args:
        settings: The user's.
        cores: The cores that it may run on; None: all of ours.
    """
    return lambda broker, run, folder: BenchNode(node_settings(settings, broker, run), folder, cores)


@contextlib.contextmanager
def running_rig(serve: Serve, address: BrokerSettings | None, tweets: str | None) -> Iterator[Rig]:
    """Start all parts.

    Args:
        serve: What starts the part that is measured.
        address: The broker; None: a Mosquitto is started.
        tweets: The file of tweets; None: the samples.

    Raises:
        StarlingError: A part cannot be started.
    """
    run = f"starling-bench-{uuid.uuid4().hex[:8]}"
    with contextlib.ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="starling-bench-")))
        broker = parts.enter_context(bench_broker(address, folder))
        at = ("--host", broker.host, "--port", str(broker.port))
        file = ("--tweets", tweets) if tweets else ()
        labels = ("--labels", f"{run}/polarity", "--rejected", f"{run}/rejected")
        publisher = Child("the publisher", module_command("stream.bench.publisher", *at, "--topic", f"{run}/in", *file))
        subscriber = Child("the subscriber", module_command("stream.bench.subscriber", *at, *labels))
        parts.enter_context(publisher)
        parts.enter_context(subscriber)
        serving = parts.enter_context(serve(broker, run, folder))
        ready = Ready(serving.ready_seconds, cpu_seconds(serving.pid))
        pids = {SERVICE: serving.pid, PUBLISHER: publisher.pid, SUBSCRIBER: subscriber.pid}
        if broker.pid:
            pids[BROKER] = broker.pid
        sampler = parts.enter_context(Sampler(pids))
        yield Rig(publisher, subscriber, sampler, broker, ready)
