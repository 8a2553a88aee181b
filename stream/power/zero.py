"""Detection of a current below zero, which means that the zero is wrong or the sensor is reversed."""

import logging
import math

from stream.power.reading import Reading

logger = logging.getLogger(__name__)

_MEMORY_SECONDS = 10.0
_ERRORS = 3.0
"""Number of standard errors below zero that is significant."""


class ZeroWatch:
    """Mean current over ten seconds, compared with zero."""

    def __init__(self) -> None:
        self.below_zero = False
        self._seconds = 0.0
        self._mean = 0.0

    def add(self, reading: Reading) -> None:
        """Add a reading; log a warning when the mean falls below zero by more than its errors."""
        if reading.amperes is None:
            return
        self._seconds = min(self._seconds + reading.seconds, _MEMORY_SECONDS)
        self._mean += min(reading.seconds / self._seconds, 1.0) * (reading.amperes.value - self._mean)
        limit = -_ERRORS * math.hypot(reading.amperes.offset, reading.amperes.noise)
        was_below, self.below_zero = self.below_zero, self._seconds >= _MEMORY_SECONDS and self._mean < limit
        if self.below_zero and not was_below:
            logger.warning(
                "the meter reads %.3f A, below zero: its zero has drifted or its wires are reversed; run "
                "`starling power calibrate`",
                self._mean,
            )
