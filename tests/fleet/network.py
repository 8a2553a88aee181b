"""The fleet's network: a bridge, and a network namespace with a veth link for each machine."""

import subprocess

BRIDGE = "starling-fleet"
CONTROLLER_ADDRESS = "10.213.77.1"
_PREFIX_BITS = 24


def address(number: int) -> str:
    """Return the address of a machine."""
    return f"10.213.77.{10 + number}"


def add_bridge() -> None:
    """Create the bridge with the controller's address."""
    _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("address", "add", f"{CONTROLLER_ADDRESS}/{_PREFIX_BITS}", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")


def remove_bridge() -> None:
    """Remove the bridge if it exists."""
    subprocess.run(["ip", "link", "delete", BRIDGE], check=False, capture_output=True)


def add_link(name: str, number: int) -> str:
    """Create a namespace that is connected to the bridge.

    Returns:
        The path of the namespace, for nspawn.
    """
    remove_link(name)
    _ip("netns", "add", name)
    _ip("link", "add", _port(name), "type", "veth", "peer", "name", "eth0", "netns", name)
    _ip("link", "set", _port(name), "master", BRIDGE, "up")
    _ip("-n", name, "link", "set", "lo", "up")
    _ip("-n", name, "address", "add", f"{address(number)}/{_PREFIX_BITS}", "dev", "eth0")
    _ip("-n", name, "link", "set", "eth0", "up")
    return f"/run/netns/{name}"


def remove_link(name: str) -> None:
    """Remove a namespace and its link if they exist."""
    subprocess.run(["ip", "link", "delete", _port(name)], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def disconnect(name: str) -> None:
    """Make a machine unreachable."""
    _ip("link", "set", _port(name), "down")


def reconnect(name: str) -> None:
    """Make a machine reachable again."""
    _ip("link", "set", _port(name), "up")


def _port(name: str) -> str:
    return f"v-{name}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
