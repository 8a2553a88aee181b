"""A simulated Uno at the serial port of a machine."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream.power.simulator import build_simulator, missing_packages
from tests.fleet.machine import Machine
from tests.fleet.playbooks import NODES

NODE = NODES[-1]
PORT = "/dev/ttyACM0"
AMPERES, SUPPLY_VOLTS = 0.8, 5.1
VARIABLES = {"starling_meter": True, "starling_settings": {"power": {"supply_volts": SUPPLY_VOLTS}}}
_DIALOUT = 20
"""Debian's group id of users who may use serial ports."""


@contextmanager
def simulated_meter(folder: Path) -> Iterator[str | None]:
    """Run a simulated Uno in the context.

    Returns:
        Its pseudo-terminal, with the owner that udev would set; None if it cannot be built.
    """
    if missing_packages():
        yield None
        return
    build_simulator(folder)
    # It takes all processor time that it gets; machines and playbooks go first.
    command = [
        "nice",
        "-n",
        "19",
        str(folder / "simulated_uno"),
        str(folder / "starling_meter.elf"),
        f"0:amperes={AMPERES}",
    ]
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
    """Create the link that udev would create by the role's rule; nspawn's machines have no udev."""
    machine.run(f"ln -s {PORT} /dev/starling-meter")
