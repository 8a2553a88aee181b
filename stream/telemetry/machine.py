"""What this machine says of itself: its board, its processor, what is installed on it."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_BOARD = Path("/proc/device-tree/model")
_CPU_INFO = Path("/proc/cpuinfo")


def board() -> str | None:
    """The board's name, such as 'Raspberry Pi 4 Model B Rev 1.4'; None where there is none, as on a PC."""
    return text_of(_BOARD)


def processor() -> str | None:
    """The processor's name, where it has one."""
    info = cpu_info()
    return info.get("model name") or info.get("Model")


def cpu_info() -> dict[str, str]:
    """The first core's lines of /proc/cpuinfo, and those about the board that come after all cores."""
    info: dict[str, str] = {}
    for line in (text_of(_CPU_INFO) or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            info.setdefault(key.strip(), value.strip())
    return info


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def text_of(file: Path) -> str | None:
    """What the kernel says in a file of one value; None where it has no such file, or nothing to say."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None
