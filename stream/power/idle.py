"""Idle power consumption, measured while no tweet is in progress, and its drift."""

import logging
import math

from stream.power.reading import Estimate, Reading

logger = logging.getLogger(__name__)

_MEMORY_SECONDS = 60.0
"""Time constant of the mean."""
_MIN_SECONDS = 2.0
_REFERENCE_SECONDS = 60.0
_DRIFT_WATTS = 0.25
"""About two counts of the converter with the 5 A sensor at 5 V; smaller changes are normal."""


class IdlePower:
    """Sliding mean of the power over time without work."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._mean = 0.0
        self._noise = 0.0
        self._was_idle = False
        self._reference: float | None = None
        self._drift_logged = False

    def add(self, reading: Reading, *, idle: bool) -> None:
        """Add a reading if neither it nor the one before contains work: the end of work falls into the next reading."""
        settled, self._was_idle = idle and self._was_idle, idle
        if settled and reading.watts.value == reading.watts.value:  # NaN would stay in the mean
            self._update_mean(reading)
            self._watch_drift()

    def _update_mean(self, reading: Reading) -> None:
        self._seconds = min(self._seconds + reading.seconds, _MEMORY_SECONDS)
        weight = min(reading.seconds / self._seconds, 1.0)
        self._mean += weight * (reading.watts.value - self._mean)
        self._noise = math.hypot((1 - weight) * self._noise, weight * reading.watts.noise)

    def _watch_drift(self) -> None:
        if self._reference is None and self._seconds >= _REFERENCE_SECONDS:
            self._reference = self._mean
        drifted = abs(self.drift_watts or 0.0) > _DRIFT_WATTS
        if drifted and not self._drift_logged:
            logger.warning(
                "idle power has changed by %+.2f W since the start: the meter's zero drifts (run `starling power "
                "calibrate`), or another program is running",
                self.drift_watts,
            )
        self._drift_logged = drifted

    @property
    def watts(self) -> Estimate | None:
        """Mean idle power; None before two idle seconds. Its offset and scale errors are those of the readings."""
        return Estimate(self._mean, self._noise) if self._seconds >= _MIN_SECONDS else None

    @property
    def drift_watts(self) -> float | None:
        """Change of the mean since the first idle minute; None before that."""
        return None if self._reference is None else self._mean - self._reference
