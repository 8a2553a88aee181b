"""Description of the device, for the results."""

import hashlib
import os
import platform
import shutil
from pathlib import Path

import psutil

from stream import __version__
from stream.experiment.results import Device
from stream.telemetry.machine import board, installed_versions, processor, text_of

_PACKAGES = ("ai-edge-litert", "tflite-runtime", "numpy", "tokenizers", "tensorflow", "transformers")
_ROOT = Path("/")
_SERIAL_FILE = "proc/device-tree/serial-number"
_MACHINE_ID_FILE = "etc/machine-id"
_GOVERNORS = "sys/devices/system/cpu/cpufreq/policy*/scaling_governor"
_MAX_KILOHERTZ = "sys/devices/system/cpu/cpufreq/policy*/cpuinfo_max_freq"
_HASH_KEY = b"starling experiment"


def describe_device(node: str, root: Path = _ROOT) -> Device:
    """Describe this machine.

    Args:
        node: Its name in the results.
        root: Root of the file system that is read; tests use their own.
    """
    kilohertz = [int(text) for file in sorted(root.glob(_MAX_KILOHERTZ)) if (text := text_of(file))]
    return Device(
        node=node,
        model=board() or processor() or platform.machine(),
        cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        architecture=platform.machine(),
        operating_system=_operating_system(),
        kernel=platform.release(),
        governors=sorted({text for file in root.glob(_GOVERNORS) if (text := text_of(file))}),
        versions={
            "python": platform.python_version(),
            "starling": __version__,
            **installed_versions(_PACKAGES),
        },
        serial=serial_number(root),
        processor=processor(),
        max_hertz=1000.0 * max(kilohertz) if kilohertz else None,
        storage_bytes=shutil.disk_usage(root).total,
    )


def serial_number(root: Path = _ROOT) -> str | None:
    """Return the board's serial number or, on a machine without one, a hash of its machine id.

    systemd asks that the machine id itself is not shown to others; the hash cannot be turned back.
    """
    if serial := text_of(root / _SERIAL_FILE):
        return serial
    machine_id = text_of(root / _MACHINE_ID_FILE)
    return hashlib.blake2b(machine_id.encode(), key=_HASH_KEY, digest_size=8).hexdigest() if machine_id else None


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
