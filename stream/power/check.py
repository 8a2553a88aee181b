"""Check of the power source for `starling check`."""

import asyncio
from contextlib import aclosing

from stream.errors import MeterError
from stream.power.counters import MachineCounter
from stream.power.current import VARIANTS, volts
from stream.power.frames import Sample
from stream.power.link import MeterLink, open_meter
from stream.power.ports import is_simulated
from stream.power.source import calibration, choose_source
from stream.settings import PowerSettings

_COUNTER_SECONDS = 5.0


async def check_power(settings: PowerSettings) -> str:
    """Take one reading from the source and describe it.

    Raises:
        MeterError: There is a source, but it does not work.
    """
    source = choose_source(settings)
    if source is None:
        return "no meter is set (power.port) and this machine has no readable energy counter; energy is not measured"
    if isinstance(source, MachineCounter):
        return await _check_counter(source)
    assert settings.port is not None  # noqa: S101  (without a port the source is not a meter)
    async with open_meter(settings.port) as meter:
        return await _check_meter(meter, settings)


async def _check_counter(source: MachineCounter) -> str:
    async with asyncio.timeout(_COUNTER_SECONDS), aclosing(source.readings()) as readings:
        async for reading in readings:
            return f"{source.name} reads {reading.watts.value:.2f} W; its error is unknown"
    raise MeterError(f"{source.name} gives no reading")


async def _check_meter(meter: MeterLink, settings: PowerSettings) -> str:
    identity = await meter.identify()
    variant = settings.variant or identity.variant
    offset = VARIANTS[variant].offset_volts / VARIANTS[variant].volts_per_ampere
    untared = f"not tared: error of up to {offset:.2f} A (run `starling power calibrate`)"
    tare = untared if identity.zero is None else "tared"
    while not isinstance(frame := await meter.receive(), Sample):
        pass
    supply = volts(frame, calibration(settings))
    simulated = "a SIMULATED meter" if is_simulated(meter.port) else "the meter"
    if supply is None:
        raise MeterError(f"{meter.port}: {simulated} cannot measure its supply: set power.supply_volts")
    return f"{meter.port} is {simulated}, ACS712 {variant} A, {tare}, supply {supply.value:.2f} V"
