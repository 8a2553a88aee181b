"""Times to wait between attempts to connect to a source."""

import random
from collections.abc import Iterator

from stream.feed.source import Failure, SourceError
from stream.mqtt.backoff import reconnect_delays

_JITTER = 0.1
_LONGEST_SECONDS = 3600.0
"""A source that asks for a longer time is asked again after this time."""


class RandomDelays:
    """Random delays up to a ceiling that doubles; at least the time that the source names.

    Args:
        longest_seconds: The highest ceiling.
    """

    def __init__(self, longest_seconds: float) -> None:
        self._longest_seconds = longest_seconds
        self._delays: Iterator[float] = reconnect_delays(longest_seconds)

    def after(self, error: SourceError) -> float:
        """Return the seconds to wait after a failure."""
        delay = next(self._delays)
        return delay if error.retry_seconds is None else _at_least(error.retry_seconds, delay)

    def reset(self) -> None:
        """Begin with the shortest delay again."""
        self._delays = reconnect_delays(self._longest_seconds)


class DocumentedDelays:
    """The delays that X asks for, each up to 10 % longer.

    The first attempt after a lost connection is made at once. Network failures: 0.25 s more each time, up to 16 s. HTTP
    errors: 5 s, doubled up to 320 s. Rate limit: until the time that X names, or 60 s, doubled.
    https://docs.x.com/x-api/fundamentals/handling-disconnections
    """

    def __init__(self) -> None:
        self._had_data = False
        self._failures = dict.fromkeys(Failure, 0)

    def after(self, error: SourceError) -> float:
        """Return the seconds to wait after a failure."""
        if self._had_data and error.failure is Failure.NETWORK:
            self._had_data = False
            return 0.0
        self._had_data = False
        earlier = self._failures[error.failure]
        self._failures[error.failure] += 1
        delay = {
            Failure.NETWORK: min(0.25 * (earlier + 1), 16.0),
            Failure.HTTP: min(5.0 * 2 ** min(earlier, 10), 320.0),
            Failure.RATE_LIMIT: min(60.0 * 2 ** min(earlier, 10), 900.0),
        }[error.failure]
        if error.retry_seconds is not None:
            delay = error.retry_seconds
        return _at_least(delay, delay * _JITTER)

    def reset(self) -> None:
        """Note that a connection has brought data."""
        self._had_data = True
        self._failures = dict.fromkeys(Failure, 0)


def _at_least(seconds: float, more_seconds: float) -> float:
    return min(seconds, _LONGEST_SECONDS) + random.uniform(0, more_seconds)  # noqa: S311  (no secret)
