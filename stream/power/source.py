"""Chooses where energy figures come from: the meter, the machine's own counters, or nowhere."""

from collections.abc import AsyncGenerator
from typing import Protocol

from stream.errors import MeterError
from stream.power.counters import FINDERS, MachineCounter
from stream.power.current import Calibration
from stream.power.meter import SerialMeter
from stream.power.reading import Reading
from stream.settings import PowerSettings


class Source(Protocol):
    """Anything that tells power over time."""

    @property
    def name(self) -> str:
        """What the metrics call it."""

    def readings(self) -> AsyncGenerator[Reading]:
        """Yield one reading after the other, for ever."""


def calibration(settings: PowerSettings) -> Calibration:
    """What the settings say of the meter."""
    return Calibration(
        variant=settings.variant,
        gain=settings.gain,
        bandgap_volts=settings.bandgap_volts,
        supply_volts=settings.supply_volts,
    )


def choose_source(settings: PowerSettings) -> Source | None:
    """Find the source that the settings name, or the best there is; None where there is none.

    Raises:
        MeterError: The settings name one that this machine has not.
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
        raise MeterError(f"power.source = '{wanted}': this machine has none that this user may read; try 'auto'")
    return MachineCounter(gauge)


def _meter(settings: PowerSettings) -> SerialMeter:
    if settings.port is None:
        raise MeterError("power.source = 'meter' needs power.port: see `starling power list`")
    return SerialMeter(settings.port, calibration(settings))
