"""What a device tells of itself, for the record."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from stream import __version__
from stream.experiment.results import Device

_PACKAGES = ("ai-edge-litert", "tflite-runtime", "numpy", "tokenizers", "tensorflow", "transformers")
_MODEL_FILE = Path("/proc/device-tree/model")
_GOVERNORS = "devices/system/cpu/cpufreq/policy*/scaling_governor"


def describe_device(node: str) -> Device:
    """Asks the machine."""
    return Device(
        node=node,
        model=_board() or _processor() or platform.machine(),
        cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        architecture=platform.machine(),
        operating_system=_operating_system(),
        kernel=platform.release(),
        governors=sorted({file.read_text(encoding="ascii").strip() for file in Path("/sys").glob(_GOVERNORS)}),
        versions=_versions(),
    )


def _board() -> str | None:
    """A Raspberry Pi's name for itself."""
    try:
        return _MODEL_FILE.read_bytes().rstrip(b"\0").decode()
    except (OSError, UnicodeDecodeError):
        return None


def _processor() -> str | None:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "starling": __version__}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
