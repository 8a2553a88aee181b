"""The values of a node's counters over the last ten minutes."""

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
class CounterSnapshot:
    """The values of the counters at one time."""

    at: float
    """Time in seconds, from an arbitrary zero."""
    received: float
    rejected: float
    labelled: tuple[float, ...]
    """Labels by polarity, in the order of POLARITIES."""
    latencies: tuple[float, ...]
    """Number of tweets up to each of the latency histogram's bounds."""

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
    """Snapshots of the last ten minutes.

    Args:
        metrics: The counters.
        clock: Returns the time in seconds.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self._snapshots: deque[CounterSnapshot] = deque([self.now()], maxlen=INTERVALS + 1)

    async def record(self) -> None:
        """Add a snapshot at each interval, until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            self.add_snapshot()

    def add_snapshot(self) -> None:
        """Add a snapshot of now; the oldest is dropped beyond ten minutes."""
        self._snapshots.append(self.now())

    def now(self) -> CounterSnapshot:
        """Return a snapshot of now, without adding it."""
        return CounterSnapshot.of(self._metrics, self._clock())

    def before(self, now: CounterSnapshot, seconds: float) -> CounterSnapshot:
        """Return the latest snapshot that is at least so much older, or else the oldest one."""
        old_enough = (snapshot for snapshot in reversed(self._snapshots) if now.at - snapshot.at >= seconds)
        return next(old_enough, self._snapshots[0])

    def labels_by_interval(self, now: CounterSnapshot) -> list[list[int]]:
        """Count the labels of each interval, oldest first, the current one last: [negative, neutral, positive]."""
        ends = [*self._snapshots, now]
        return [
            [round(later - earlier) for earlier, later in zip(start.labelled, end.labelled, strict=True)]
            for start, end in pairwise(ends)
        ]


def total(metric: MetricWrapperBase) -> float:
    """Return the value of a counter or gauge, summed over its labels."""
    return sum(sample.value for family in metric.collect() for sample in family.samples)


def buckets(histogram: Histogram) -> dict[float, float]:
    """Return the cumulative counts of a histogram by the upper bounds of its buckets."""
    samples = (sample for family in histogram.collect() for sample in family.samples)
    return {float(sample.labels["le"]): sample.value for sample in samples if sample.name.endswith("_bucket")}
