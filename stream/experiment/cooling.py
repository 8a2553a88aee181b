"""Waiting before a run until the processor is about as cool as before the first run."""

import asyncio
from collections.abc import Callable

from stream.experiment.monitor import Sampler, column

_CLOSE_CELSIUS = 2.0
"""A run may start at this much above the lowest temperature seen."""
_POLL_SECONDS = 1.0

Thermometer = Callable[[], float | None]


def processor_celsius() -> float | None:
    """Return the processor's temperature; None: the machine has no sensor."""
    return column(Sampler().sample(), "celsius")


class Cooling:
    """Waits for the processor to cool down between runs.

    Args:
        most_seconds: Longest wait.
        thermometer: Reads the temperature.
    """

    def __init__(self, most_seconds: float, thermometer: Thermometer = processor_celsius) -> None:
        self._most_seconds = most_seconds
        self._thermometer = thermometer
        self._coolest = thermometer()

    async def wait(self, on_second: Callable[[float], None]) -> float:
        """Wait until the temperature is close to the lowest one seen; return the seconds waited.

        Args:
            on_second: Receives the seconds waited so far.
        """
        waited = 0.0
        while waited < self._most_seconds and self._is_warm():
            await asyncio.sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS
            on_second(waited)
        return waited

    def _is_warm(self) -> bool:
        celsius = self._thermometer()
        if celsius is None or self._coolest is None:
            return False
        self._coolest = min(self._coolest, celsius)
        return celsius > self._coolest + _CLOSE_CELSIUS
