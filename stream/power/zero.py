"""Notices a current below nothing: what was measured runs forwards, so its zero is wrong or the sensor is reversed."""

import logging
import math

from stream.power.reading import Reading

logger = logging.getLogger(__name__)

_MEMORY_SECONDS = 10.0
_ERRORS = 3.0
"""How many standard errors below zero are no chance."""


class ZeroWatch:
    """Follows the current over ten seconds."""

    def __init__(self) -> None:
        self.below_zero = False
        self._seconds = 0.0
        self._mean = 0.0

    def add(self, reading: Reading) -> None:
        """Take in a reading; tells the log when the mean goes below zero beyond its errors."""
        if reading.amperes is None:
            return
        self._seconds = min(self._seconds + reading.seconds, _MEMORY_SECONDS)
        self._mean += min(reading.seconds / self._seconds, 1.0) * (reading.amperes.value - self._mean)
        limit = -_ERRORS * math.hypot(reading.amperes.offset, reading.amperes.noise)
        was_below, self.below_zero = self.below_zero, self._seconds >= _MEMORY_SECONDS and self._mean < limit
        if self.below_zero and not was_below:
            logger.warning(
                "the meter reads %.3f A, less than nothing: its zero has drifted or its wires are the wrong way round; "
                "run `starling power calibrate`",
                self._mean,
            )
