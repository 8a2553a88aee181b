"""What the machine draws with no tweet in hand, learnt while there is none, and whether that moves."""

import logging
import math

from stream.power.reading import Estimate, Reading

logger = logging.getLogger(__name__)

_MEMORY_SECONDS = 60.0
"""The mean forgets what is older, little by little."""
_ENOUGH_SECONDS = 2.0
_REFERENCE_SECONDS = 60.0
_DRIFT_WATTS = 0.25
"""About two counts of the converter with the 5 A sensor at 5 V; less is weather."""


class IdlePower:
    """A sliding mean of the power over stretches without work."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._mean = 0.0
        self._noise = 0.0
        self._was_idle = False
        self._reference: float | None = None
        self._drift_told = False

    def add(self, reading: Reading, *, idle: bool) -> None:
        """Learn from a reading if nothing was done in it, nor in the one before: work fades out over its edge."""
        settled, self._was_idle = idle and self._was_idle, idle
        if settled and reading.watts.value == reading.watts.value:  # NaN would stay for ever
            self._learn(reading)
            self._watch_drift()

    def _learn(self, reading: Reading) -> None:
        self._seconds = min(self._seconds + reading.seconds, _MEMORY_SECONDS)
        weight = min(reading.seconds / self._seconds, 1.0)
        self._mean += weight * (reading.watts.value - self._mean)
        self._noise = math.hypot((1 - weight) * self._noise, weight * reading.watts.noise)

    def _watch_drift(self) -> None:
        if self._reference is None and self._seconds >= _REFERENCE_SECONDS:
            self._reference = self._mean
        drifted = abs(self.drift_watts or 0.0) > _DRIFT_WATTS
        if drifted and not self._drift_told:
            logger.warning(
                "idle power has moved by %+.2f W since the start: the meter's zero drifts (`starling power calibrate`),"
                " or something else runs here",
                self.drift_watts,
            )
        self._drift_told = drifted

    @property
    def watts(self) -> Estimate | None:
        """The mean; None until there were two idle seconds. Its offset and scale are those of the readings."""
        return Estimate(self._mean, self._noise) if self._seconds >= _ENOUGH_SECONDS else None

    @property
    def drift_watts(self) -> float | None:
        """How far the mean has moved from what it was over the first idle minute; None before that."""
        return None if self._reference is None else self._mean - self._reference
