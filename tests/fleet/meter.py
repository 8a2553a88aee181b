"""A simulated Uno for a machine, where a real one's port would be."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream.power.simulator import build_simulator, missing_packages
from tests.fleet.machine import Machine

NODE = "pi-3"
PORT = "/dev/ttyACM0"
AMPERES, SUPPLY_VOLTS = 0.8, 5.1
VARIABLES = {"starling_meter": True, "starling_settings": {"power": {"supply_volts": SUPPLY_VOLTS}}}
_DIALOUT = 20
"""Debian's group of those who may use serial ports."""


@contextmanager
def simulated_meter(folder: Path) -> Iterator[str | None]:
    """Run a simulated Uno as long as the context lasts.

    Returns:
        Its pseudo-terminal, which belongs to whom udev would give it; None where it cannot be built.
    """
    if missing_packages():
        yield None
        return
    build_simulator(folder)
    command = [str(folder / "simulated_uno"), str(folder / "starling_meter.elf"), f"0:amperes={AMPERES}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            port = process.stdout.readline().removeprefix("ready ").strip()
            os.chown(port, 0, _DIALOUT)
            Path(port).chmod(0o660)
            yield port
        finally:
            process.terminate()


def name_meter(machine: Machine) -> None:
    """Give the port the name that the role's rule has udev give it; nspawn's machines have no udev."""
    machine.run(f"ln -s {PORT} /dev/starling-meter")
