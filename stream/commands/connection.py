"""Which broker a command talks to."""

from pathlib import Path
from typing import Any

from stream.errors import SettingsError
from stream.settings import Settings, load_settings


def settings_for(config: Path | None, broker: str | None) -> Settings:
    """Read the settings, with the broker's address from the command line over them.

    Args:
        config: The settings file.
        broker: `host`, `host:port`, `[IPv6]:port` or a bare IPv6 address.

    Raises:
        SettingsError: The settings or the address are wrong.
    """
    return load_settings(config, {"broker": _address(broker)} if broker else None)


def _address(broker: str) -> dict[str, Any]:
    host, colon, port = broker.rpartition(":")
    bare_ipv6 = ":" in host and not host.startswith("[")
    if not colon or broker.endswith("]") or bare_ipv6:
        return {"host": broker.strip("[]")}
    if not port.isdecimal():
        raise SettingsError(f"--broker {broker}: the port must be a number, as in localhost:1883")
    return {"host": host.strip("[]"), "port": int(port)}
