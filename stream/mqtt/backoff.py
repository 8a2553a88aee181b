"""Delays between attempts to reconnect."""

import random
from collections.abc import Iterator

_FIRST_DELAY_SECONDS = 0.5


def reconnect_delays(longest_seconds: float) -> Iterator[float]:
    """Yield the seconds to wait before each attempt: random, up to a ceiling that doubles.

    Random, so that the nodes of a fleet do not all reconnect at the same moment.

    'Full jitter' of Brooker, 'Exponential Backoff and Jitter' (2015).
    """
    ceiling = _FIRST_DELAY_SECONDS
    while True:
        ceiling = min(ceiling, longest_seconds)
        yield random.uniform(0, ceiling)  # noqa: S311  (no secret)
        ceiling *= 2
