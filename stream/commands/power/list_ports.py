"""`starling power list`: the possible sources of power measurements."""

from rich.console import Console
from rich.table import Table

from stream.power.counters import FINDERS
from stream.power.ports import Port, is_simulated, serial_ports

_COVERS = {
    "pmic": "the Raspberry Pi 5's supply rails",
    "hwmon": "the supply that the power sensor measures",
    "rapl": "the processor package",
}


def list_sources() -> None:
    """Show serial ports and energy counters, each with its value for the settings."""
    table = Table("power.port", "USB id", "description")
    for port in serial_ports():
        table.add_row(port.path, port.usb_id or "", _description(port))
    for name, find in FINDERS.items():
        if find():
            table.add_row(f"(power.source = {name})", "", f"energy counter of this machine: {_COVERS[name]}")
    console = Console()
    console.print(table if table.row_count else "no serial port and no energy counter that this user may read")


def _description(port: Port) -> str:
    uno = "[green]Arduino Uno[/green] " if port.is_uno else ""
    simulated = " (simulated)" if is_simulated(port.path) else ""
    return f"{uno}{port.description}{simulated}"
