"""Which source of readings a `starling power` command uses."""

from pathlib import Path

from stream.errors import MeterError
from stream.power.ports import serial_ports
from stream.power.source import Source, choose_source
from stream.settings import PowerSettings, load_settings


def power_settings(port: str | None, config: Path | None) -> PowerSettings:
    """The settings of power, with a port from the command line over them.

    Raises:
        SettingsError: The settings are wrong.
    """
    over = {"power": {"port": port, "source": "meter"}} if port else None
    return load_settings(config, over).power


def meter_port(settings: PowerSettings) -> str:
    """The meter's port: the settings', or that of the only Uno there is.

    Raises:
        MeterError: It is not clear which.
    """
    if settings.port:
        return settings.port
    unos = [port.path for port in serial_ports() if port.is_uno]
    if len(unos) != 1:
        found = f"{len(unos)} Unos are" if unos else "no Uno is"
        raise MeterError(f"{found} plugged in: name the meter's port with --port or power.port")
    return unos[0]


def readings_source(port: str | None, config: Path | None) -> Source:
    """The source that the service would use.

    Raises:
        MeterError: There is none.
    """
    source = choose_source(power_settings(port, config))
    if source is None:
        raise MeterError("this machine has no energy counter that this user may read, and no meter is set: --port")
    return source
