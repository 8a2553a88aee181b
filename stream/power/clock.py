"""Comparison of the meter's resonator with the clock of this machine."""

from stream.power.current import CONVERSION_SECONDS

_BASELINE_SECONDS = 300.0
"""Before this time, the delay of a line (up to half a second) would be larger than the resonator's error."""
_TOLERANCE = 0.03
"""The Uno's resonator is within 0.5 %. A larger difference means that this machine was suspended."""


class MeterClock:
    """Converts the meter's conversions to seconds of this machine's clock, since energy is power over real time."""

    def __init__(self) -> None:
        self._started_seconds: float | None = None
        self._nominal_seconds = 0.0
        self._ratio = 1.0

    def restart(self, arrived_seconds: float) -> None:
        """Start a new comparison after a gap; the known ratio of the clocks stays."""
        self._started_seconds = arrived_seconds
        self._nominal_seconds = 0.0

    def seconds(self, period: int, arrived_seconds: float) -> float:
        """Return the duration of a window by this machine's clock.

        Args:
            period: The conversions of the window.
            arrived_seconds: Arrival time of its line.
        """
        nominal = period * CONVERSION_SECONDS
        if self._started_seconds is None:
            self.restart(arrived_seconds)
        else:
            self._nominal_seconds += nominal
            self._compare(arrived_seconds - self._started_seconds)
        return nominal * self._ratio

    def _compare(self, elapsed_seconds: float) -> None:
        if self._nominal_seconds >= _BASELINE_SECONDS:
            ratio = elapsed_seconds / self._nominal_seconds
            if abs(ratio - 1) <= _TOLERANCE:
                self._ratio = ratio
