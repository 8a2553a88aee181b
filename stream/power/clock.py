"""The meter's crystal against our clock."""

from stream.power.current import CONVERSION_SECONDS

_BASELINE_SECONDS = 300.0
"""Before so much time has passed, the delay of a line, up to half a second, would outweigh the crystal's error."""
_TOLERANCE = 0.03
"""The Uno's resonator is within 0.5 %. What seems further off is no clock but a machine that was suspended."""


class MeterClock:
    """Turns the meter's conversions into seconds of ours, since joules are wanted over real time."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._nominal_seconds = 0.0
        self._ratio = 1.0

    def restart(self, arrived_seconds: float) -> None:
        """Begin anew after a gap; what is known of the crystal stays."""
        self._began = arrived_seconds
        self._nominal_seconds = 0.0

    def seconds(self, period: int, arrived_seconds: float) -> float:
        """How long a window lasted by our clock.

        Args:
            period: The conversions that it stands for.
            arrived_seconds: When its line arrived.
        """
        nominal = period * CONVERSION_SECONDS
        if self._began is None:
            self.restart(arrived_seconds)
        else:
            self._nominal_seconds += nominal
            self._compare(arrived_seconds - self._began)
        return nominal * self._ratio

    def _compare(self, elapsed_seconds: float) -> None:
        if self._nominal_seconds >= _BASELINE_SECONDS:
            ratio = elapsed_seconds / self._nominal_seconds
            if abs(ratio - 1) <= _TOLERANCE:
                self._ratio = ratio
