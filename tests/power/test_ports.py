"""Selection of the device that a setting names."""

import os
import stat
from pathlib import Path

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from stream.errors import MeterError
from stream.power.ports import is_simulated, port_path, serial_ports


def usb(device: str, vendor: int, product: int, serial: str | None) -> ListPortInfo:
    info = ListPortInfo(device, skip_link_detection=True)
    info.vid, info.pid, info.serial_number, info.description = vendor, product, serial, "a device"
    return info


@pytest.fixture(autouse=True)
def plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Provide a GPS receiver, two Unos and a port that is not USB."""
    found = [
        usb("/dev/ttyACM0", 0x1546, 0x01A8, None),
        usb("/dev/ttyACM1", 0x2341, 0x0043, "75430"),
        usb("/dev/ttyACM2", 0x2341, 0x0043, "75431"),
        ListPortInfo("/dev/ttyS0", skip_link_detection=True),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: found)


def test_a_path_is_used_unchanged(tmp_path: Path) -> None:
    (tmp_path / "ttyACM0").touch()
    assert port_path(str(tmp_path / "ttyACM0")) == str(tmp_path / "ttyACM0")


@pytest.mark.parametrize(
    ("setting", "path"),
    [
        ("usb:2341:0043", "/dev/ttyACM1"),
        ("usb:2341:0043:75431", "/dev/ttyACM2"),
        ("usb:1546:01a8", "/dev/ttyACM0"),
        ("usb:1546:01A8", "/dev/ttyACM0"),
    ],
)
def test_a_usb_id_is_resolved_to_its_present_device(setting: str, path: str) -> None:
    assert port_path(setting) == path


@pytest.mark.parametrize("setting", ["usb:2341:0099", "usb:2341:0043:1"])
def test_an_unknown_usb_id_is_reported(setting: str) -> None:
    with pytest.raises(MeterError, match=f"no device {setting} is connected"):
        port_path(setting)


def test_a_missing_path_is_reported() -> None:
    with pytest.raises(MeterError, match="/dev/ttyACM9 does not exist"):
        port_path("/dev/ttyACM9")


def test_unos_are_listed_first_in_the_format_of_the_settings() -> None:
    listed = serial_ports()
    assert [port.path for port in listed] == ["/dev/ttyACM1", "/dev/ttyACM2", "/dev/ttyACM0", "/dev/ttyS0"]
    assert listed[0].usb_id == "usb:2341:0043:75430"
    assert listed[3].usb_id is None


def test_only_a_pseudo_terminal_is_simulated() -> None:
    assert is_simulated("/dev/pts/3")
    assert not is_simulated("/dev/ttyACM0")


def test_a_link_to_a_pseudo_terminal_is_simulated(tmp_path: Path) -> None:
    node = tmp_path / "ttyACM0"
    try:
        os.mknod(node, 0o600 | stat.S_IFCHR, os.makedev(136, 3))
    except PermissionError:
        pytest.skip("making a device needs root")
    assert is_simulated(str(node))
