"""Choice of the power source: the meter, the machine's own counters, or none."""

from collections.abc import AsyncGenerator
from typing import Protocol

from stream.errors import MeterError
from stream.power.counters import FINDERS, MachineCounter
from stream.power.current import Calibration
from stream.power.meter import SerialMeter
from stream.power.reading import Reading
from stream.settings import PowerSettings


class Source(Protocol):
    """A source of power readings."""

    @property
    def name(self) -> str:
        """Name of the source in the metrics."""

    def readings(self) -> AsyncGenerator[Reading]:
        """Yield readings without end."""


def calibration(settings: PowerSettings) -> Calibration:
    """Return the meter's calibration from the settings."""
    return Calibration(
        variant=settings.variant,
        gain=settings.gain,
        bandgap_volts=settings.bandgap_volts,
        supply_volts=settings.supply_volts,
    )


def choose_source(settings: PowerSettings) -> Source | None:
    """Return the source that the settings name, or the best available one; None if there is none.

    Raises:
        MeterError: The settings name a source that this machine does not have.
    """
    wanted = settings.source
    if wanted == "meter" or (wanted == "auto" and settings.port):
        return _meter(settings)
    if wanted == "auto":
        found = (find() for find in FINDERS.values())
        return next((MachineCounter(gauge) for gauge in found if gauge), None)
    if wanted == "none":
        return None
    gauge = FINDERS[wanted]()
    if gauge is None:
        raise MeterError(
            f"power.source = '{wanted}': this machine has no such counter that this user may read; use 'auto'"
        )
    return MachineCounter(gauge)


def _meter(settings: PowerSettings) -> SerialMeter:
    if settings.port is None:
        raise MeterError("power.source = 'meter' needs power.port: see `starling power list`")
    return SerialMeter(settings.port, calibration(settings))
