"""Percentiles, the minimum size of a latency measurement, and the due times of a load's tweets."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stream.errors import BenchError

PERCENTILES = (50, 90, 99)
LEAST_QUERIES = 1024
LEAST_SECONDS = 60.0
"""MLPerf Inference's single-stream rule: minimum number of queries and minimum duration."""

Arrivals = Literal["poisson", "even"]
Seconds = NDArray[np.float64]
_SEED = 20_170_804


def latency_milliseconds(seconds: ArrayLike) -> dict[str, float] | None:
    """Return percentiles of latencies by nearest rank (each is the latency of a tweet); None without latencies."""
    values = np.asarray(seconds, dtype=np.float64)
    if not values.size:
        return None
    found = np.percentile(1000 * values, PERCENTILES, method="inverted_cdf")
    return {f"p{percentile}": round(float(value), 3) for percentile, value in zip(PERCENTILES, found, strict=True)}


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return float(np.median(values))


def due_seconds(count: int, rate: float, arrivals: Arrivals = "poisson") -> Seconds:
    """Return the due time of each tweet of an open-loop load, in seconds from its start; deterministic.

    Latency is measured from the due time, not from the actual sending: a service that stalls is charged for each tweet
    that was due meanwhile (coordinated omission; Tene, 2013).

    Args:
        count: Number of tweets.
        rate: Mean number of tweets per second.
        arrivals: `poisson` for independent arrivals, `even` for equal intervals.
    """
    if arrivals == "even":
        return np.arange(count) / rate
    return np.cumsum(np.random.default_rng(_SEED).exponential(1 / rate, count))


def check_enough(seconds: float, *, quick: bool) -> None:
    """Refuse a latency measurement that is shorter than MLPerf's rule, unless `quick`.

    Raises:
        BenchError: It is too short.
    """
    if not quick and seconds < LEAST_SECONDS:
        raise BenchError(
            f"{seconds:g} s are too short: a reliable latency needs at least {LEAST_QUERIES} queries and "
            f"{LEAST_SECONDS:g} s (MLPerf's single-stream rule); add --quick for a rough measurement"
        )
