"""Percentiles, the rule of how much must be measured for them, and when each tweet of a load is due."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stream.errors import BenchError

PERCENTILES = (50, 90, 99)
LEAST_QUERIES = 1024
LEAST_SECONDS = 60.0
"""MLPerf Inference's single-stream rule: at least so many queries, and for at least so long."""

Arrivals = Literal["poisson", "even"]
Seconds = NDArray[np.float64]
_SEED = 20_170_804


def latency_milliseconds(seconds: ArrayLike) -> dict[str, float] | None:
    """The percentiles of latencies by nearest rank, so that each is a latency that some tweet had; None of none."""
    values = np.asarray(seconds, dtype=np.float64)
    if not values.size:
        return None
    found = np.percentile(1000 * values, PERCENTILES, method="inverted_cdf")
    return {f"p{percentile}": round(float(value), 3) for percentile, value in zip(PERCENTILES, found, strict=True)}


def median(values: Sequence[float]) -> float:
    """The median of a few rounds."""
    return float(np.median(values))


def due_seconds(count: int, rate: float, arrivals: Arrivals = "poisson") -> Seconds:
    """When each tweet of an open-loop load is due, in seconds from its start; the same each time.

    Latency is counted from here, not from when the publisher came to send: a service that stalls is charged for each
    tweet that would have come meanwhile (coordinated omission; Tene, 2013).

    Args:
        count: How many.
        rate: Tweets a second, on average.
        arrivals: As independent tweets come (a Poisson process), or one like the other.
    """
    if arrivals == "even":
        return np.arange(count) / rate
    return np.cumsum(np.random.default_rng(_SEED).exponential(1 / rate, count))


def check_enough(seconds: float, *, quick: bool) -> None:
    """Refuse to take latencies over less time than MLPerf's rule wants, unless a look is all that is asked for.

    Raises:
        BenchError: It is too short.
    """
    if not quick and seconds < LEAST_SECONDS:
        raise BenchError(
            f"{seconds:g} s are too few: latency takes at least {LEAST_QUERIES} queries and {LEAST_SECONDS:g} s "
            "(MLPerf's single-stream rule); add --quick for a look"
        )
