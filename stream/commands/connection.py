"""The settings of a command that talks to a broker."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stream.errors import SettingsError
from stream.settings import Settings, load_settings


def settings_for(config: Path | None, broker: str | None, options: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings, with the broker's address from the command line in place of theirs.

    Args:
        config: The settings file.
        broker: `host`, `host:port`, `[IPv6]:port` or a bare IPv6 address.
        options: Further settings from the command line, in the form of the file's.

    Raises:
        SettingsError: The settings or the address are wrong.
    """
    if options:
        overrides = {**options, **({"broker": _address(broker)} if broker is not None else {})}
        return load_settings(config, overrides, "the options")
    if broker is None:
        return load_settings(config)
    return load_settings(config, {"broker": _address(broker)}, f"--broker {broker}")


def _address(broker: str) -> dict[str, Any]:
    if "://" in broker:
        raise SettingsError(
            f"--broker {broker}: write the address alone, without '{broker.split('://', maxsplit=1)[0]}://'"
        )
    host, colon, port = broker.rpartition(":")
    bare_ipv6 = ":" in host and not host.startswith("[")
    if not colon or broker.endswith("]") or bare_ipv6:
        return {"host": broker.strip("[]")}
    if not (port.isascii() and port.isdecimal()):
        raise SettingsError(f"--broker {broker}: the port must be a number, as in localhost:1883")
    return {"host": host.strip("[]"), "port": int(port)}
