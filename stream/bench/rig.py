"""The parts of an end-to-end measurement: broker, service, publisher and subscriber, each in its own process."""

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
from stream.bench.node import BenchNode, node_settings
from stream.bench.processor_time import Sampled, Sampler, cpu_seconds
from stream.bench.statistics import Arrivals, Seconds, due_seconds
from stream.processes.child import Child, module_command
from stream.settings import BrokerSettings, Settings

SERVICE, BROKER, PUBLISHER, SUBSCRIBER = "service", "broker", "publisher", "subscriber"
_LEAD_SECONDS = 0.2
"""Time from the request to the first tweet."""
_ANSWER_SECONDS = 7200.0
QUIET_SECONDS = 60.0
"""After this time without a label the missing ones count as lost."""


@dataclass(frozen=True)
class Load:
    """Sent tweets and the arrival time of each label; times are those of `time.monotonic`."""

    rate: float
    start_at: float
    published_at: float
    """When the broker had acknowledged all tweets."""
    due: Seconds
    arrivals: Seconds
    """NaN for a label that did not arrive."""
    duplicates: int
    rejected: int
    latest_seconds: float
    """The longest delay of the publisher itself."""

    @property
    def ended_at(self) -> float:
        """Arrival time of the last label."""
        return float(np.nanmax(self.arrivals, initial=self.start_at))

    @property
    def labelled(self) -> int:
        """Number of tweets with a label."""
        return int(np.count_nonzero(~np.isnan(self.arrivals)))

    @property
    def lost(self) -> int:
        """Number of tweets with neither a label nor a rejection."""
        return len(self.due) - self.labelled - self.rejected

    @property
    def latencies(self) -> Seconds:
        """Seconds from each tweet's due time to its label, without the lost tweets."""
        waits: Seconds = self.arrivals - self.due
        return waits[~np.isnan(waits)]

    def steady(self) -> tuple[float, float]:
        """Start and end of the time in which the service processed waiting tweets and nothing was published."""
        first, last = float(np.nanmin(self.arrivals)), self.ended_at
        return (self.published_at, last) if self.published_at < (first + last) / 2 else (first, last)

    def labelled_between(self, start: float, end: float) -> int:
        """Number of labels that arrived after `start`, up to `end`."""
        return int(np.count_nonzero((self.arrivals > start) & (self.arrivals <= end)))


@dataclass(frozen=True)
class Ready:
    """Time and CPU time from the start of a service until it is ready to label a tweet."""

    seconds: float
    cpu_seconds: float


class Rig:
    """The running parts.

    Args:
        publisher: Process that publishes tweets.
        subscriber: Process that receives labels.
        sampler: Samples CPU time and memory of all parts.
        broker: The broker.
        ready: Start-up cost of the service.
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
        """CPU time and memory samples of each part, by name."""
        return self._sampler.samples

    def load(self, count: int, rate: float = 0.0, arrivals: Arrivals = "poisson") -> Load:
        """Send tweets and wait for their labels.

        Args:
            count: Number of tweets.
            rate: Tweets per second; 0: all at once, so that they wait in the broker's queue.
            arrivals: Distribution of the intervals between tweets.

        Raises:
            BenchError: The publisher or the subscriber ended.
        """
        first, self._next = self._next, self._next + count
        start_at = time.monotonic() + _LEAD_SECONDS
        quiet_seconds = QUIET_SECONDS + (count / rate if rate else 0.0)
        self._subscriber.tell({"first": first, "count": count, "quiet_seconds": quiet_seconds})
        request = {"first": first, "count": count, "rate": rate, "arrivals": arrivals, "start_at": start_at}
        sent = self._publisher.ask(request, _ANSWER_SECONDS)
        received = self._subscriber.answer(_ANSWER_SECONDS)
        due = due_seconds(count, rate, arrivals) if rate else np.zeros(count)
        return Load(
            rate=rate,
            start_at=start_at,
            published_at=sent["ended"],
            due=start_at + due,
            arrivals=np.array(received["arrivals"], dtype=np.float64),
            duplicates=received["duplicates"],
            rejected=received["rejected"],
            latest_seconds=sent["latest_seconds"],
        )


class Serving(Protocol):
    """A running process that labels tweets: our service or a peer."""

    ready_seconds: float

    @property
    def pid(self) -> int:
        """Process id."""


Serve = Callable[[BenchBroker, str, Path], contextlib.AbstractContextManager[Serving]]
"""Starts a process that labels tweets, given the broker, the first level of its topics, and a folder for files."""


def our_service(settings: Settings, cores: set[int] | None = None) -> Serve:
    """Return a function that starts `starling run`.

    Args:
        settings: The user's settings.
        cores: The cores that it may run on; None: all that this process may use.
    """
    return lambda broker, run, folder: BenchNode(node_settings(settings, broker, run), folder, cores)


@contextlib.contextmanager
def running_rig(serve: Serve, address: BrokerSettings | None, tweets: str | None) -> Iterator[Rig]:
    """Start all parts.

    Args:
        serve: Starts the measured process.
        address: The broker; None: a Mosquitto is started.
        tweets: A file of tweets; None: the samples.

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
