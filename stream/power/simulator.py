"""A simulated Uno: the real firmware, run by simavr, behind a pseudo-terminal. For the demo and the tests.

What it sends was never measured, and every reader of it says so (`ports.is_simulated`).
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
"""Debian's packages, each with a program or a file by which it is known."""
_STOP_SECONDS = 5.0

Change = tuple[float, str, float]
"""At this many simulated seconds, this signal becomes that."""


def missing_packages() -> list[str]:
    """Debian's packages that building and running the simulated Uno needs and that are not installed."""
    return [name for name, sign in _NEEDED.items() if not (Path(sign).exists() or shutil.which(sign))]


def build_simulator(build: Path = _BUILD, defines: str = "") -> Path:
    """Build the firmware and the program that runs it.

    Args:
        build: The folder for what is built.
        defines: Options for the compiler, for a firmware that differs.

    Returns:
        The folder.

    Raises:
        MeterError: The sources or the tools are not there.
    """
    if not FIRMWARE.is_dir():
        raise MeterError("the simulated meter needs the repository's firmware/, which an installed package has not")
    if missing := missing_packages():
        raise MeterError(f"the simulated meter is not built: sudo apt-get install {' '.join(missing)}")
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
        """Change signals at once: amperes, ripple, noise, offset, vcc, … (simulated_uno.c has the list)."""
        assert self._process.stdin is not None  # noqa: S101  (it is a pipe)
        self._process.stdin.write("".join(f"{key}={value}\n" for key, value in signals.items()).encode())

    def unplug(self) -> None:
        """Take the port away, as a pulled cable does."""
        self._process.terminate()

    async def finished(self) -> None:
        """Wait until the simulated time given at the start has passed."""
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
    """Run a simulated Uno as long as the context lasts.

    Args:
        build: Where it was built.
        link: A symbolic link to make to its port.
        signals: What the sensor sees from the start.
        changes: What it sees from later times on.
        options: More of simulated_uno's options.
        elf: The firmware's file in `build`.

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
        raise MeterError("the simulated meter does not start; its reason is above")
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
