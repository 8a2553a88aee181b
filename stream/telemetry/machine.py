"""Facts about this machine: its board, its processor, the packages installed on it."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_BOARD = Path("/proc/device-tree/model")
_CPU_INFO = Path("/proc/cpuinfo")


def board() -> str | None:
    """Return the board's name, for example 'Raspberry Pi 4 Model B Rev 1.4'; None on a machine without one (a PC)."""
    return text_of(_BOARD)


def processor() -> str | None:
    """Return the processor's name; None where /proc/cpuinfo has none."""
    info = cpu_info()
    return info.get("model name") or info.get("Model")


def cpu_info() -> dict[str, str]:
    """Read the entries of /proc/cpuinfo for the first core, and those for the board, which follow all cores."""
    info: dict[str, str] = {}
    for line in (text_of(_CPU_INFO) or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            info.setdefault(key.strip(), value.strip())
    return info


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def text_of(file: Path) -> str | None:
    """Read one of the kernel's files that hold one value; None where it does not exist or is empty."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None
