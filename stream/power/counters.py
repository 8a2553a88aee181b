"""The machine's own energy counters, used without a meter: RAPL, hwmon power sensors, the Raspberry Pi 5's PMIC.

They cover different parts: RAPL the processor package, a hwmon sensor the supply of its shunt, the PMIC the board's
rails without converter losses and USB devices. None states an error, so the error of their readings is unknown.
"""

import asyncio
import math
import re
import shutil
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Protocol

from stream.errors import MeterError
from stream.power.reading import Estimate, Reading

POLL_SECONDS = 1.0
_SYS = Path("/sys")
_MACHINE_SENSORS = ("ina", "power_meter", "macsmc")
"""First letters of the hwmon `name` of chips that measure a machine's supply; a graphics card's sensor does not."""
_RAIL = re.compile(r"^\s*(\w+)_([AV])\s+\w+\(\d+\)=([\d.]+)[AV]", re.MULTILINE)
_COMMAND_SECONDS = 2.0


class Gauge(Protocol):
    """An energy counter or power sensor of the machine."""

    @property
    def name(self) -> str:
        """Name of the source in the metrics."""

    async def joules_since(self, seconds: float) -> float:
        """Return the joules since the last call.

        Args:
            seconds: The time since the last call.

        Raises:
            MeterError: It cannot be read.
        """


class Rapl:
    """Energy counters of Intel and AMD processors, in microjoules.

    Args:
        zones: The packages' folders below /sys/class/powercap.
    """

    name = "rapl"

    def __init__(self, zones: list[Path]) -> None:
        self._zones = zones
        self._last = [_number(zone / "energy_uj") for zone in zones]

    async def joules_since(self, seconds: float) -> float:  # noqa: ARG002  (a counter needs no time)
        """Return the joules of all packages since the last call; counter overflow is handled."""
        present = [_number(zone / "energy_uj") for zone in self._zones]
        microjoules = 0
        for zone, now, before in zip(self._zones, present, self._last, strict=True):
            microjoules += now - before if now >= before else now - before + _number(zone / "max_energy_range_uj")
        self._last = present
        return microjoules / 1e6


class Hwmon:
    """Power sensors of the kernel's hwmon, in microwatts.

    Args:
        inputs: The sensors' files.
    """

    name = "hwmon"

    def __init__(self, inputs: list[Path]) -> None:
        self._inputs = inputs

    async def joules_since(self, seconds: float) -> float:
        """Return the joules at the present power over that time."""
        # In a thread: a sensor behind I2C can take long to answer, and until its time-out if it is disconnected.
        return await asyncio.to_thread(self._microwatts) / 1e6 * seconds

    def _microwatts(self) -> int:
        return sum(_number(file) for file in self._inputs)


class Pmic:
    """Power management chip of the Raspberry Pi 5, read by `vcgencmd pmic_read_adc`.

    Args:
        command: The path of vcgencmd.
    """

    name = "pmic"

    def __init__(self, command: str) -> None:
        self._command = command

    async def joules_since(self, seconds: float) -> float:
        """Return the joules at the present power over that time."""
        return rail_watts(await _output(self._command, "pmic_read_adc")) * seconds


class MachineCounter:
    """Yields a reading per second from one of the machine's counters.

    Args:
        gauge: The counter.
        clock: Returns seconds; tests can replace it.
    """

    def __init__(self, gauge: Gauge, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = gauge.name
        self._gauge = gauge
        self._now = clock

    async def readings(self) -> AsyncGenerator[Reading]:
        """Yield readings without end.

        Raises:
            MeterError: The counter cannot be read any more.
        """
        last = self._now()
        await self._gauge.joules_since(0.0)
        while True:
            await asyncio.sleep(POLL_SECONDS)
            now = self._now()
            seconds, last = now - last, now
            joules = await self._gauge.joules_since(seconds)
            yield Reading(seconds, Estimate(joules / seconds, noise=math.nan, offset=math.nan, scale=math.nan))


def find_pmic() -> Pmic | None:
    """Find the power chip of a Raspberry Pi 5."""
    command = shutil.which("vcgencmd")
    model = Path("/proc/device-tree/model")
    is_pi5 = model.exists() and b"Raspberry Pi 5" in model.read_bytes()
    return Pmic(command) if command and is_pi5 else None


def find_hwmon(sys: Path = _SYS) -> Hwmon | None:
    """Find power sensors of the machine's supply."""
    inputs = []
    for chip in sorted(sys.glob("class/hwmon/hwmon*")):
        if _text(chip / "name").startswith(_MACHINE_SENSORS):
            inputs += [file for file in sorted(chip.glob("power*_input")) if _readable(file)]
    return Hwmon(inputs) if inputs else None


def find_rapl(sys: Path = _SYS) -> Rapl | None:
    """Find the processor's counters. By default only root may read them."""
    zones = [zone for zone in sorted(sys.glob("class/powercap/intel-rapl:?")) if _readable(zone / "energy_uj")]
    packages = [zone for zone in zones if _text(zone / "name").startswith("package")]
    return Rapl(packages) if packages else None


FINDERS: dict[str, Callable[[], Gauge | None]] = {"pmic": find_pmic, "hwmon": find_hwmon, "rapl": find_rapl}
"""Energy counters in order of preference: those that cover more of the machine come first."""


def rail_watts(answer: str) -> float:
    """Sum volts times amperes over the rails for which the PMIC reports both.

    Args:
        answer: The output of `vcgencmd pmic_read_adc`.

    Raises:
        MeterError: It contains no such rail.
    """
    values = {(rail, unit): float(number) for rail, unit, number in _RAIL.findall(answer)}
    rails = [rail for rail, unit in values if unit == "A" and (rail, "V") in values]
    if not rails:
        raise MeterError("`vcgencmd pmic_read_adc` reports no rail with both volts and amperes")
    return sum(values[rail, "A"] * values[rail, "V"] for rail in rails)


async def _output(*command: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    except OSError as error:
        raise MeterError(f"{command[0]}: {error.strerror}") from error
    try:
        async with asyncio.timeout(_COMMAND_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise MeterError(f"`{' '.join(command)}` did not end within {_COMMAND_SECONDS:.0f} s") from error
    return output.decode("ascii", "replace")


def _number(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise MeterError(f"{file} cannot be read: {error}") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _readable(file: Path) -> bool:
    try:
        _number(file)
    except MeterError:
        return False
    return True
