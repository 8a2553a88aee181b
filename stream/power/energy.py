"""Energy: power summed over the measured time only."""

import math

from stream.power.reading import Estimate, Reading


class Energy:
    """Sum of readings. Time without a reading is a gap: its energy is unknown and not part of the sum."""

    def __init__(self) -> None:
        self.measured_seconds = 0.0
        self.gap_seconds = 0.0
        self._joules = 0.0
        self._noise_squared = 0.0
        self._offset = 0.0
        self._scale = 0.0

    def add(self, reading: Reading) -> None:
        """Add a reading."""
        joules = reading.watts * reading.seconds
        self.measured_seconds += reading.seconds
        self.gap_seconds += reading.gap_seconds
        self._joules += joules.value
        self._noise_squared += joules.noise**2
        self._offset += joules.offset
        self._scale += joules.scale

    @property
    def joules(self) -> Estimate:
        """Energy in joules, with its errors."""
        return Estimate(self._joules, math.sqrt(self._noise_squared), self._offset, self._scale)

    @property
    def watts(self) -> Estimate | None:
        """Mean power over the measured time; None before the first reading."""
        return self.joules * (1 / self.measured_seconds) if self.measured_seconds > 0 else None
