"""What the service says of itself, to /healthz, to /readyz and to systemd's watchdog: one truth for all of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Age = Callable[[], float]
"""Tells how many seconds some work has been under way; 0 where there is none."""


class Health:
    """Whether each part that a tweet needs is there, and whether work that was begun gets done.

    Args:
        stuck_seconds: Work that takes longer means that the service is stuck.
    """

    def __init__(self, stuck_seconds: float) -> None:
        self._stuck_seconds = stuck_seconds
        self._started = time.monotonic()
        self._ages: list[Age] = []
        self.model_loaded = False
        self.broker_connected = False
        self.stopping = False

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the service began to start."""
        return time.monotonic() - self._started

    @contextmanager
    def watching(self, age: Age) -> Iterator[None]:
        """Take the age of some work into account for as long as the context lasts."""
        self._ages.append(age)
        try:
            yield
        finally:
            self._ages.remove(age)

    def stuck(self) -> str | None:
        """Say what has not got done for too long; None where all is well."""
        oldest = max((age() for age in self._ages), default=0.0)
        if oldest > self._stuck_seconds:
            return f"a tweet or an inference has been under way for {oldest:.0f} s"
        return None

    def missing(self) -> list[str]:
        """Why no tweet would be labelled now; empty where one would."""
        reasons = {
            "the model is being loaded": not self.model_loaded,
            "the broker is not connected": not self.broker_connected,
            "the service is stopping": self.stopping,
        }
        stuck = self.stuck()
        return [reason for reason, holds in reasons.items() if holds] + ([stuck] if stuck else [])
