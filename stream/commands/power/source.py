"""Source of readings for the `starling power` commands."""

from pathlib import Path

from stream.errors import MeterError
from stream.power.ports import serial_ports
from stream.power.source import Source, choose_source
from stream.settings import PowerSettings, load_settings


def power_settings(port: str | None, config: Path | None) -> PowerSettings:
    """Load the power settings; a port of the command line overrides them.

    Raises:
        SettingsError: The settings are invalid.
    """
    over = {"power": {"port": port, "source": "meter"}} if port else None
    return load_settings(config, over).power


def meter_port(settings: PowerSettings) -> str:
    """Return the meter's port: that of the settings, or that of the only connected Uno.

    Raises:
        MeterError: No port is set, and there is not exactly one Uno.
    """
    if settings.port:
        return settings.port
    unos = [port.path for port in serial_ports() if port.is_uno]
    if len(unos) != 1:
        found = f"{len(unos)} Arduino Unos are" if unos else "no Arduino Uno is"
        raise MeterError(f"{found} connected: name the meter's port with --port or power.port")
    return unos[0]


def readings_source(port: str | None, config: Path | None) -> Source:
    """Return the source that the service would use.

    Raises:
        MeterError: There is no source.
    """
    source = choose_source(power_settings(port, config))
    if source is None:
        raise MeterError(
            "no meter is set (--port or power.port), and this machine has no energy counter that this user may read"
        )
    return source
