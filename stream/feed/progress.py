"""Progress of the feeder's parts, to which systemd's watchdog is tied."""

import math
import time

from stream.telemetry.health import Health


class Progress:
    """The time at which a part must have made progress."""

    def __init__(self) -> None:
        self._due = math.inf

    def expect_within(self, seconds: float) -> None:
        """Note progress, and expect more of it within a time."""
        self._due = time.monotonic() + seconds

    def expect_none(self) -> None:
        """Note that the part waits for another one, or has nothing to do."""
        self._due = math.inf

    def overdue_seconds(self) -> float:
        """Return the time since progress was due; 0 where it is not."""
        return max(0.0, time.monotonic() - self._due)


class FeedHealth(Health):
    """The feeder's state, as /healthz, /readyz and systemd's watchdog report it.

    Args:
        stuck_seconds: A part whose progress is overdue by this time is stuck.
    """

    def __init__(self, stuck_seconds: float) -> None:
        super().__init__(stuck_seconds)
        self.model_loaded = True  # a feeder needs none
        self.reader = Progress()
        self.publisher = Progress()
        self.obstacles["source"] = "the source is not connected"

    def stuck(self) -> str | None:
        """Describe the part that makes no progress; None where all do."""
        parts = {"the reader of the source": self.reader, "the publisher": self.publisher}
        for name, progress in parts.items():
            if progress.overdue_seconds() > self.stuck_seconds:
                return f"{name} has made no progress for {progress.overdue_seconds():.0f} s longer than allowed"
        return None
