"""Observation of nodes by their metrics."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from stream.commands.gate.readings import Counts, Reading

Read = Callable[[], Awaitable[Reading | None]]
"""Reads a node's metrics; None if it does not answer."""
_POLL_SECONDS = 1.0
_MOST_READS = 5
"""Attempts to read a peer."""
_RETRY_SECONDS = 2.0
"""Longest time between two attempts; a random time, so that not all ask again at once."""


class Past(BaseModel):
    """A node's counts of a time.

    Args:
        counts: Messages, labels and times.
        seconds: Duration.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")

    counts: Counts
    seconds: float

    @property
    def received_per_second(self) -> float:
        """Messages received per second."""
        return self.counts.received / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Observation:
    """A node's counts and faults in a time.

    Args:
        counts: Messages, labels and times.
        seconds: Duration.
        ready: Whether it was ready at the last answer; False without any.
        restarted: Whether the process was replaced.
        silent_seconds: Longest time without an answer, or the last.
        stuck_seconds: Longest time with tweets in progress and none finished.
    """

    counts: Counts
    seconds: float
    ready: bool = True
    restarted: bool = False
    silent_seconds: float = 0.0
    stuck_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Duration of an observation.

    Args:
        least_seconds: Minimum, longer than the watchdog needs to notice that a release hangs.
        most_seconds: Maximum, where fewer tweets arrive than wanted.
        tweets: Number of finished tweets after which the minimum is enough.
    """

    least_seconds: float
    most_seconds: float
    tweets: int

    def is_over(self, seconds: float, finished: float) -> bool:
        """Return whether an observation may end."""
        return seconds >= self.most_seconds or (seconds >= self.least_seconds and finished >= self.tweets)


class Watch:
    """Evaluation of readings of a node, one after another.

    Args:
        started: Time of the first reading, in seconds of any clock.
    """

    def __init__(self, started: float) -> None:
        self._started = started
        self._now = started
        self._answered = started
        self._progressed = started
        self._silent_seconds = 0.0
        self._stuck_seconds = 0.0
        self._restarted = False
        self._first: Reading | None = None
        self._last: Reading | None = None

    def take(self, reading: Reading | None, now: float) -> None:
        """Evaluate a reading, or that there was no answer."""
        self._now = now
        if reading is None:
            self._silent_seconds = max(self._silent_seconds, now - self._answered)
            return
        self._answered = now
        last = self._last or reading
        self._first = self._first or reading
        self._restarted = self._restarted or reading.started != last.started
        if not reading.in_progress or reading.counts.seconds.count != last.counts.seconds.count:
            self._progressed = now
        self._stuck_seconds = max(self._stuck_seconds, now - self._progressed)
        self._last = reading

    @property
    def finished(self) -> float:
        """Tweets finished since the first reading."""
        return self._counts.seconds.count

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return self._now - self._started

    @property
    def last(self) -> Reading | None:
        """Last answer."""
        return self._last

    @property
    def _counts(self) -> Counts:
        if self._last is None or self._first is None or self._restarted:
            return Counts()
        return self._last.counts - self._first.counts

    def result(self) -> Observation:
        """Return what was observed until now."""
        return Observation(
            counts=self._counts,
            seconds=self.seconds,
            ready=self._last is not None and self._last.ready,
            restarted=self._restarted,
            silent_seconds=self._silent_seconds,
            stuck_seconds=self._stuck_seconds,
        )


async def observe(read: Read, patience: Patience, is_broken: Callable[[Observation], object]) -> Watch:
    """Read a node's metrics again and again until enough was seen, or it is broken.

    Args:
        read: Reads them.
        patience: Duration.
        is_broken: Returns whether an observation convicts the node without waiting for more.
    """
    watch = Watch(time.monotonic())
    while True:
        watch.take(await read(), time.monotonic())
        if patience.is_over(watch.seconds, watch.finished) or is_broken(watch.result()):
            return watch
        await asyncio.sleep(_POLL_SECONDS)


def past_of(watch: Watch, tweets: int) -> Past | None:
    """Return a node's counts of the observed time, or of all its time if that had too few tweets."""
    seen = watch.result()
    if watch.last is None:
        return None
    if seen.counts.seconds.count >= tweets:
        return Past(counts=seen.counts, seconds=seen.seconds)
    return Past(counts=watch.last.counts, seconds=max(time.time() - watch.last.started, seen.seconds))


async def read_all(nodes: Mapping[str, Read]) -> dict[str, Reading]:
    """Read several nodes at once; those that do not answer, also when asked again, are left out.

    A node refuses more than a few requests at once, and the nodes of a batch ask the same peers at the same time.
    """
    names: Sequence[str] = list(nodes)
    found = await asyncio.gather(*(_read_again(nodes[name]) for name in names))
    return {name: reading for name, reading in zip(names, found, strict=True) if reading is not None}


async def _read_again(read: Read) -> Reading | None:
    for _ in range(_MOST_READS - 1):
        if (reading := await read()) is not None:
            return reading
        await asyncio.sleep(random.uniform(0, _RETRY_SECONDS))  # noqa: S311  (no secret depends on it)
    return await read()


def between(first: Mapping[str, Reading], last: Mapping[str, Reading], seconds: float) -> dict[str, Past]:
    """Return the counts of nodes between two readings, of those that answered twice and were not restarted."""
    both = [name for name in first if name in last and last[name].started == first[name].started]
    return {name: Past(counts=last[name].counts - first[name].counts, seconds=seconds) for name in both}


def lifetime(reading: Reading) -> Past:
    """Return all that a node has counted since its start."""
    return Past(counts=reading.counts, seconds=max(time.time() - reading.started, 1.0))
