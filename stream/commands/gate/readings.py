"""A node's metrics at one time, and what was counted between two times."""

from collections.abc import Iterable, Mapping
from math import inf
from typing import Self, TypeVar

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from pydantic import BaseModel, ConfigDict

_Key = TypeVar("_Key")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")


class Histogram(_Record):
    """Observations by size."""

    sum: float = 0.0
    buckets: dict[float, float] = {}
    """Number of observations up to each limit; the last limit is infinite."""

    @property
    def count(self) -> float:
        """Number of observations."""
        return self.buckets.get(inf, 0.0)

    @property
    def mean(self) -> float:
        """Mean observation; 0 without any."""
        return self.sum / self.count if self.count else 0.0

    @property
    def variance(self) -> float:
        """Variance of the observations, as if each were in the middle of its bucket."""
        return max(0.0, self._moment(2) - self._moment(1) ** 2) if self.count else 0.0

    def above(self, limit: float) -> float:
        """Return the number of observations above a limit of a bucket."""
        return self.count - max((below for upper, below in self.buckets.items() if upper <= limit), default=0.0)

    def quantile(self, share: float) -> float:
        """Estimate a quantile by interpolation within its bucket; 0 without observations."""
        wanted, lower, below = share * self.count, 0.0, 0.0
        for upper, up_to_here in sorted(self.buckets.items()):
            if up_to_here >= wanted and up_to_here > below:
                width = 0.0 if upper == inf else upper - lower
                return lower + width * (wanted - below) / (up_to_here - below)
            lower, below = upper, up_to_here
        return 0.0

    def _moment(self, power: int) -> float:
        total, lower, below = 0.0, 0.0, 0.0
        for upper, up_to_here in sorted(self.buckets.items()):
            middle = lower if upper == inf else (lower + upper) / 2
            total += (up_to_here - below) * middle**power
            lower, below = upper, up_to_here
        return total / self.count

    def __add__(self, other: Self) -> "Histogram":
        return Histogram(sum=self.sum + other.sum, buckets=_combined(self.buckets, other.buckets, 1))

    def __sub__(self, other: Self) -> "Histogram":
        return Histogram(sum=self.sum - other.sum, buckets=_combined(self.buckets, other.buckets, -1))


class Counts(_Record):
    """Messages, labels and times that a node has counted."""

    received: float = 0.0
    rejected: float = 0.0
    labels: dict[str, float] = {}
    """Number of labels by polarity."""
    confidence: Histogram = Histogram()
    seconds: Histogram = Histogram()
    """Time of each tweet from its arrival to its acknowledgement."""

    @property
    def labelled(self) -> float:
        """Number of labels."""
        return sum(self.labels.values())

    def __add__(self, other: Self) -> "Counts":
        return self._with(other, 1)

    def __sub__(self, other: Self) -> "Counts":
        return self._with(other, -1)

    def _with(self, other: Self, sign: int) -> "Counts":
        add = sign > 0
        return Counts(
            received=self.received + sign * other.received,
            rejected=self.rejected + sign * other.rejected,
            labels=_combined(self.labels, other.labels, sign),
            confidence=self.confidence + other.confidence if add else self.confidence - other.confidence,
            seconds=self.seconds + other.seconds if add else self.seconds - other.seconds,
        )


class Reading(_Record):
    """A node's metrics at one time."""

    started: float
    """Start of the process, Unix time in seconds."""
    ready: bool
    in_progress: float
    """Tweets received and not yet finished."""
    counts: Counts
    """Everything counted since the start of the process."""


def parse(metrics: str) -> Reading:
    """Parse metrics in Prometheus' text format.

    Raises:
        ValueError: It is no such text, or not that of a node.
    """
    samples = [sample for family in text_string_to_metric_families(metrics) for sample in family.samples]
    if not any(sample.name == "starling_ready" for sample in samples):
        raise ValueError("these are not the metrics of a node: starling_ready is missing")
    labels = (sample for sample in samples if sample.name == "starling_tweets_classified_total")
    counts = Counts(
        received=_sum(samples, "starling_tweets_received_total"),
        rejected=_sum(samples, "starling_tweets_rejected_total"),
        labels={sample.labels["polarity"]: sample.value for sample in labels},
        confidence=_histogram(samples, "starling_confidence_ratio"),
        seconds=_histogram(samples, "starling_tweet_seconds"),
    )
    return Reading(
        started=_sum(samples, "process_start_time_seconds"),
        ready=_sum(samples, "starling_ready") == 1,
        in_progress=_sum(samples, "starling_tweets_in_progress"),
        counts=counts,
    )


def _sum(samples: Iterable[Sample], name: str) -> float:
    return sum(sample.value for sample in samples if sample.name == name)


def _histogram(samples: Iterable[Sample], name: str) -> Histogram:
    buckets = {float(sample.labels["le"]): sample.value for sample in samples if sample.name == f"{name}_bucket"}
    return Histogram(sum=_sum(samples, f"{name}_sum"), buckets=buckets)


def _combined(one: Mapping[_Key, float], other: Mapping[_Key, float], sign: int) -> dict[_Key, float]:
    return {key: one.get(key, 0.0) + sign * other.get(key, 0.0) for key in {**one, **other}}
