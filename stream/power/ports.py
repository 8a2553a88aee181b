"""Serial ports of this machine, and the port that a setting names."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from stream.errors import MeterError

_USB = re.compile(r"usb:([0-9a-fA-F]{4}):([0-9a-fA-F]{4})(?::(.+))?")
_PSEUDO_TERMINALS = "/dev/pts/"
_PSEUDO_TERMINAL_MAJORS = range(136, 144)
"""Major numbers of pseudo-terminals (Linux's devices.txt), which identify them under other names too."""
_UNO_IDS = {(0x2341, 0x0043), (0x2341, 0x0001), (0x2A03, 0x0043), (0x2341, 0x0243), (0x2341, 0x006A)}
"""USB ids of the Arduino Uno (arduino-core-avr's boards.txt)."""


@dataclass(frozen=True)
class Port:
    """A serial port of this machine."""

    path: str
    usb_id: str | None
    """In the format of the settings: `usb:2341:0043:SERIAL`; None if the port is not USB."""
    description: str
    is_uno: bool


def serial_ports() -> list[Port]:
    """List the machine's serial ports, Arduino Unos first."""
    ports = [_port(info) for info in list_ports.comports()]
    return sorted(ports, key=lambda port: (not port.is_uno, port.path))


def port_path(setting: str) -> str:
    """Find the device that the setting names; it can change when the meter is connected again.

    Args:
        setting: A path, or `usb:VENDOR:PRODUCT` or `usb:VENDOR:PRODUCT:SERIAL` in hexadecimal, as in `usb:2341:0043`.

    Raises:
        MeterError: There is no such device.
    """
    match = _USB.fullmatch(setting)
    if match is None:
        if not Path(setting).exists():
            raise MeterError(f"{setting} does not exist: connect the meter, or see `starling power list`")
        return setting
    vendor, product, serial = int(match[1], 16), int(match[2], 16), match[3]
    for info in list_ports.comports():
        if (info.vid, info.pid) == (vendor, product) and serial in (None, info.serial_number):
            return str(info.device)
    raise MeterError(f"no device {setting} is connected: see `starling power list`")


def is_simulated(path: str) -> bool:
    """Return whether a port is a pseudo-terminal of a program: then its data was not measured."""
    if os.path.realpath(path).startswith(_PSEUDO_TERMINALS):
        return True
    try:
        return os.major(Path(path).stat().st_rdev) in _PSEUDO_TERMINAL_MAJORS
    except OSError:  # it does not exist now
        return False


def _port(info: ListPortInfo) -> Port:
    usb_id = None
    if info.vid is not None and info.pid is not None:
        serial = f":{info.serial_number}" if info.serial_number else ""
        usb_id = f"usb:{info.vid:04x}:{info.pid:04x}{serial}"
    return Port(info.device, usb_id, info.description or "", (info.vid, info.pid) in _UNO_IDS)
