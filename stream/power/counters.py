"""The machine's own figures, where there is no meter: RAPL, hwmon's power sensors, the Raspberry Pi 5's PMIC.

What each covers differs: RAPL counts the processor's package alone, a hwmon sensor what its shunt stands in, the PMIC
the board's rails without its converters' losses and without what hangs on USB. None states an error, so none is given.
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
"""Chips (as hwmon's `name` begins) that stand in a machine's supply; a graphics card's would tell of it alone."""
_RAIL = re.compile(r"^\s*(\w+)_([AV])\s+\w+\(\d+\)=([\d.]+)[AV]", re.MULTILINE)
_COMMAND_SECONDS = 2.0


class Gauge(Protocol):
    """A figure of the machine's."""

    @property
    def name(self) -> str:
        """As the metrics name the source."""

    async def joules_since(self, seconds: float) -> float:
        """Joules since the last call.

        Args:
            seconds: The time since then.

        Raises:
            MeterError: It cannot be read.
        """


class Rapl:
    """The energy counters of Intel's and AMD's processors, in microjoules.

    Args:
        zones: The packages' folders below /sys/class/powercap.
    """

    name = "rapl"

    def __init__(self, zones: list[Path]) -> None:
        self._zones = zones
        self._last = [_number(zone / "energy_uj") for zone in zones]

    async def joules_since(self, seconds: float) -> float:  # noqa: ARG002  (a counter needs no time)
        """Joules of all packages together since the last call; a counter that wrapped is followed."""
        present = [_number(zone / "energy_uj") for zone in self._zones]
        microjoules = 0
        for zone, now, before in zip(self._zones, present, self._last, strict=True):
            microjoules += now - before if now >= before else now - before + _number(zone / "max_energy_range_uj")
        self._last = present
        return microjoules / 1e6


class Hwmon:
    """Power sensors of the kernel's hwmon, in microwatts.

    Args:
        inputs: Their files.
    """

    name = "hwmon"

    def __init__(self, inputs: list[Path]) -> None:
        self._inputs = inputs

    async def joules_since(self, seconds: float) -> float:
        """Joules, if the power had been over that time what it is now."""
        return sum(_number(file) for file in self._inputs) / 1e6 * seconds


class Pmic:
    """The Raspberry Pi 5's power chip, by `vcgencmd pmic_read_adc`.

    Args:
        command: The path of vcgencmd.
    """

    name = "pmic"

    def __init__(self, command: str) -> None:
        self._command = command

    async def joules_since(self, seconds: float) -> float:
        """Joules, if the power had been over that time what it is now."""
        return rail_watts(await _output(self._command, "pmic_read_adc")) * seconds


class MachineCounter:
    """Yields a reading each second from one of the machine's figures.

    Args:
        gauge: The figure.
        clock: What tells seconds; a test may have its own.
    """

    def __init__(self, gauge: Gauge, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = gauge.name
        self._gauge = gauge
        self._now = clock

    async def readings(self) -> AsyncGenerator[Reading]:
        """Yield readings for ever.

        Raises:
            MeterError: The figure cannot be read any more.
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
    """Find a Pi 5's power chip."""
    command = shutil.which("vcgencmd")
    model = Path("/proc/device-tree/model")
    is_pi5 = model.exists() and b"Raspberry Pi 5" in model.read_bytes()
    return Pmic(command) if command and is_pi5 else None


def find_hwmon(sys: Path = _SYS) -> Hwmon | None:
    """Find power sensors that stand in the machine's supply."""
    inputs = []
    for chip in sorted(sys.glob("class/hwmon/hwmon*")):
        if _text(chip / "name").startswith(_MACHINE_SENSORS):
            inputs += [file for file in sorted(chip.glob("power*_input")) if _readable(file)]
    return Hwmon(inputs) if inputs else None


def find_rapl(sys: Path = _SYS) -> Rapl | None:
    """Find the processor's counters. Only root may read them, unless the machine's owner allows more."""
    zones = [zone for zone in sorted(sys.glob("class/powercap/intel-rapl:?")) if _readable(zone / "energy_uj")]
    packages = [zone for zone in zones if _text(zone / "name").startswith("package")]
    return Rapl(packages) if packages else None


FINDERS: dict[str, Callable[[], Gauge | None]] = {"pmic": find_pmic, "hwmon": find_hwmon, "rapl": find_rapl}
"""In the order in which they are preferred: what covers more of the machine goes first."""


def rail_watts(answer: str) -> float:
    """Add up volts times amperes of the rails for which the PMIC tells both.

    Args:
        answer: What `vcgencmd pmic_read_adc` printed.

    Raises:
        MeterError: There is no rail in it.
    """
    values = {(rail, unit): float(number) for rail, unit, number in _RAIL.findall(answer)}
    rails = [rail for rail, unit in values if unit == "A" and (rail, "V") in values]
    if not rails:
        raise MeterError("`vcgencmd pmic_read_adc` names no rail with both volts and amperes")
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
        raise MeterError(f"`{' '.join(command)}` does not end") from error
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
