"""A simulated Uno for the demo and the tests: the real firmware, run by simavr, behind a pseudo-terminal.

Its data is not measured; every program that shows it says so (`ports.is_simulated`).
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from stream.errors import MeterError

FIRMWARE = Path(__file__).parents[2] / "firmware"
_BUILD = FIRMWARE.parent / "build" / "firmware"
_NEEDED = {
    "gcc-avr": "avr-g++",
    "avr-libc": "/usr/lib/avr/include/avr/io.h",
    "gcc": "cc",
    "make": "make",
    "libsimavr-dev": "/usr/include/simavr/sim_avr.h",
    "libelf-dev": "/usr/include/libelf.h",
}
"""Debian packages, each with a program or a file that shows that it is installed."""
_STOP_SECONDS = 5.0

Change = tuple[float, str, float]
"""Simulated seconds, name of a signal, new value."""


def missing_packages() -> list[str]:
    """Return the missing Debian packages that the simulated Uno needs."""
    return [name for name, sign in _NEEDED.items() if not (Path(sign).exists() or shutil.which(sign))]


def build_simulator(build: Path = _BUILD, defines: str = "") -> Path:
    """Build the firmware and the simulator.

    Args:
        build: Output folder.
        defines: Compiler options for a modified firmware.

    Returns:
        The output folder.

    Raises:
        MeterError: The sources or the tools are missing, or the build fails.
    """
    if not FIRMWARE.is_dir():
        raise MeterError(
            "the simulated meter needs the folder firmware/ of the repository, which an installed package does not have"
        )
    if missing := missing_packages():
        raise MeterError(f"the simulated meter cannot be built: run sudo apt-get install {' '.join(missing)}")
    command = ["make", "-C", str(FIRMWARE), "all", "simulator", f"BUILD={build}", f"DEFINES={defines}"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if made.returncode:
        raise MeterError(f"the simulated meter cannot be built: {made.stderr.strip()[-500:]}")
    return build


class SimulatedUno:
    """A running simulation.

    Args:
        process: Its process.
        port: Its serial port.
    """

    def __init__(self, process: asyncio.subprocess.Process, port: str) -> None:
        self.port = port
        self._process = process

    def set(self, **signals: float) -> None:
        """Change signals immediately: amperes, ripple, noise, offset, vcc, … (listed in simulated_uno.c)."""
        assert self._process.stdin is not None  # noqa: S101  (it is a pipe)
        self._process.stdin.write("".join(f"{key}={value}\n" for key, value in signals.items()).encode())

    def unplug(self) -> None:
        """Remove the port, as if the cable were pulled."""
        self._process.terminate()

    async def finished(self) -> None:
        """Wait until the simulated time that was set at the start has passed."""
        assert self._process.stdout is not None  # noqa: S101
        await self._process.stdout.readline()


@asynccontextmanager
async def simulated_uno(
    build: Path,
    *,
    link: Path | None = None,
    signals: Mapping[str, float] | None = None,
    changes: Sequence[Change] = (),
    options: Sequence[str] = (),
    elf: str = "starling_meter.elf",
) -> AsyncIterator[SimulatedUno]:
    """Run a simulated Uno while the context is open.

    Args:
        build: Folder of the built simulator.
        link: Symbolic link to create to its port.
        signals: Input signals of the sensor at the start.
        changes: Later changes of the signals.
        options: Further options of simulated_uno.
        elf: File name of the firmware in `build`.

    Raises:
        MeterError: It does not start.
    """
    at_start = [(0.0, key, value) for key, value in (signals or {}).items()]
    events = [f"{seconds}:{key}={value}" for seconds, key, value in (*at_start, *changes)]
    named = ["--link", os.fspath(link)] if link else []
    process = await asyncio.create_subprocess_exec(
        build / "simulated_uno", *named, *options, build / elf, *events,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield SimulatedUno(process, await _port(process))
    finally:
        await _stop(process)


async def _port(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None  # noqa: S101  (it is a pipe)
    ready, _, port = (await process.stdout.readline()).decode().strip().partition(" ")
    if ready != "ready":
        raise MeterError("the simulated meter does not start; its own message is above")
    return port


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
