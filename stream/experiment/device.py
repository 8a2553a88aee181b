"""What a device tells of itself, for the record."""

import os
import platform
from pathlib import Path

import psutil

from stream import __version__
from stream.experiment.results import Device
from stream.telemetry.machine import board, installed_versions, processor

_PACKAGES = ("ai-edge-litert", "tflite-runtime", "numpy", "tokenizers", "tensorflow", "transformers")
_GOVERNORS = "devices/system/cpu/cpufreq/policy*/scaling_governor"


def describe_device(node: str) -> Device:
    """Ask the machine."""
    return Device(
        node=node,
        model=board() or processor() or platform.machine(),
        cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        architecture=platform.machine(),
        operating_system=_operating_system(),
        kernel=platform.release(),
        governors=sorted({file.read_text(encoding="ascii").strip() for file in Path("/sys").glob(_GOVERNORS)}),
        versions={
            "python": platform.python_version(),
            "starling": __version__,
            **installed_versions(_PACKAGES),
        },
    )


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
