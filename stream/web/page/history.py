"""The last minutes of a node's counters: read rarely, whether anybody looks or not, and forgotten in time."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from prometheus_client import Histogram
from prometheus_client.metrics import MetricWrapperBase

from stream.telemetry.metrics import Metrics
from stream.tweets.polarity import POLARITIES

INTERVAL_SECONDS: Final = 10.0
INTERVALS: Final = 60


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What had been counted at a moment."""

    at: float
    """In seconds; when zero was is of no matter."""
    received: float
    rejected: float
    labelled: tuple[float, ...]
    """In the order of POLARITIES."""
    latencies: tuple[float, ...]
    """How many tweets took at most so long, for each of the histogram's bounds."""

    @classmethod
    def of(cls, metrics: Metrics, at: float) -> Self:
        """Read the counters."""
        return cls(
            at=at,
            received=total(metrics.received),
            rejected=total(metrics.rejected),
            labelled=tuple(total(metrics.classified.labels(polarity)) for polarity in POLARITIES),
            latencies=tuple(buckets(metrics.tweet_seconds).values()),
        )


class History:
    """Snapshots of the last minutes.

    Args:
        metrics: Whose counters.
        clock: What tells seconds; a test may have its own.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._kept: deque[Snapshot] = deque([self.now()], maxlen=INTERVALS + 1)

    async def keep(self) -> None:
        """Take a snapshot every interval, for as long as it is let."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            self.take()

    def take(self) -> None:
        """Keep a snapshot, and let the oldest go."""
        self._kept.append(self.now())

    def now(self) -> Snapshot:
        """What has been counted up to now."""
        return Snapshot.of(self._metrics, self._clock())

    def before(self, now: Snapshot, seconds: float) -> Snapshot:
        """The latest snapshot that is so much older; the oldest, where none is."""
        old_enough = (kept for kept in reversed(self._kept) if now.at - kept.at >= seconds)
        return next(old_enough, self._kept[0])

    def labelled(self, now: Snapshot) -> list[list[int]]:
        """Label made in each interval, oldest first, the present one last: [negative, neutral, positive]."""
        ends = [*self._kept, now]
        return [
            [round(later - earlier) for earlier, later in zip(start.labelled, end.labelled, strict=True)]
            for start, end in pairwise(ends)
        ]


def total(metric: MetricWrapperBase) -> float:
    """A counter's or gauge's value, summed over its labels."""
    return sum(sample.value for family in metric.collect() for sample in family.samples)


def buckets(histogram: Histogram) -> dict[float, float]:
    """How many observations were at most so high, by the bound."""
    samples = (sample for family in histogram.collect() for sample in family.samples)
    return {float(sample.labels["le"]): sample.value for sample in samples if sample.name.endswith("_bucket")}
