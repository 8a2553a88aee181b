"""The demo's simulated meter: the real firmware in a simulated Uno, which measures an invented current."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

from stream.power.current import NOMINAL_ZERO
from stream.power.frames import ZERO_SCALE
from stream.power.link import open_meter
from stream.power.simulator import SimulatedUno, build_simulator, simulated_uno
from stream.settings import PowerSettings

_IDLE_AMPERES = 0.55
_AMPERES_PER_CORE = 0.2
"""Similar to a Raspberry Pi 4; it was not measured."""
_NOISE_VOLTS = 0.0035
"""Noise of the ACS712: 21 mV peak to peak are six standard deviations."""
_SUPPLY_VOLTS = 5.1
_FOLLOW_SECONDS = 0.1


@asynccontextmanager
async def simulated_meter() -> AsyncIterator[PowerSettings]:
    """Run a simulated meter whose current follows this process's use of the processor.

    Yields:
        The settings for it.

    Raises:
        MeterError: The simulator cannot be built here.
    """
    build = await asyncio.to_thread(build_simulator)
    signals = {"amperes": _IDLE_AMPERES, "noise": _NOISE_VOLTS, "vcc": _SUPPLY_VOLTS}
    async with simulated_uno(build, signals=signals) as uno:
        async with open_meter(uno.port) as meter:
            await meter.identify()
            await meter.ask(f"T{NOMINAL_ZERO * ZERO_SCALE:.0f}")  # its zero needs no calibration
        following = asyncio.create_task(_follow_load(uno), name="simulated-load")
        try:
            yield PowerSettings(port=uno.port, source="meter", supply_volts=_SUPPLY_VOLTS)
        finally:
            following.cancel()


async def _follow_load(uno: SimulatedUno) -> None:
    process = psutil.Process()
    process.cpu_percent()
    while True:
        await asyncio.sleep(_FOLLOW_SECONDS)
        uno.set(amperes=_IDLE_AMPERES + _AMPERES_PER_CORE * process.cpu_percent() / 100)
