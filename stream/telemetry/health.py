"""The service's state, as /healthz, /readyz and systemd's watchdog report it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Age = Callable[[], float]
"""Returns the time in seconds that some work has taken so far; 0 without work."""


class Health:
    """The state of each part that labelling needs, and of the work in progress.

    Args:
        stuck_seconds: Work that takes longer than this means that the service is stuck.
    """

    def __init__(self, stuck_seconds: float) -> None:
        self.stuck_seconds = stuck_seconds
        """Time after which work in progress means that the service is stuck."""
        self._started = time.monotonic()
        self._ages: list[Age] = []
        self.model_loaded = False
        self.broker_connected = False
        self.stopping = False
        self.obstacles: dict[str, str] = {}
        """Further reasons why no tweet can be labelled now, by the part that reports each."""
        self.reloads_requested = 0
        """Number of requests to load a model anew."""
        self.reloads_done = 0
        """Number of these requests that have ended, whatever the result."""

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the service began to start."""
        return time.monotonic() - self._started

    @contextmanager
    def watching(self, age: Age) -> Iterator[None]:
        """Include the age of some work while the context lasts."""
        self._ages.append(age)
        try:
            yield
        finally:
            self._ages.remove(age)

    def stuck(self) -> str | None:
        """Describe the work that takes too long; None where none does."""
        oldest = max((age() for age in self._ages), default=0.0)
        if oldest > self.stuck_seconds:
            return f"a tweet or an inference has been under way for {oldest:.0f} s"
        return None

    def missing(self) -> list[str]:
        """List the reasons why no tweet can be labelled now; empty where tweets are labelled."""
        reasons = {
            "the model is being loaded": not self.model_loaded,
            "the broker is not connected": not self.broker_connected,
            "the service is stopping": self.stopping,
        }
        stuck = self.stuck()
        found = [reason for reason, holds in reasons.items() if holds]
        return [*found, *self.obstacles.values(), *([stuck] if stuck else [])]
