"""Description of the measured machine: processor, memory, system, versions."""

import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil

from stream import __version__
from stream.model.loading import available_cores
from stream.telemetry.machine import board, cpu_info, installed_versions, processor, text_of

_LIBRARIES = ("ai-edge-litert", "tflite-runtime", "numpy", "tokenizers", "orjson")
_CPUFREQ = Path("/sys/devices/system/cpu/cpu0/cpufreq")
_CPU_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "asimddp", "i8mm", "neon", "sve")
"""Instruction sets that determine the speed of 8-bit kernels."""


def describe_machine() -> dict[str, Any]:
    """Describe the machine and its software; None for unknown values."""
    info = cpu_info()
    features = info.get("flags", info.get("Features", "")).split()
    return {
        "board": board(),
        "processor": processor() or platform.processor() or None,
        "processor_features": [feature for feature in _CPU_FEATURES if feature in features],
        "architecture": platform.machine(),
        "cores": psutil.cpu_count(),
        "cores_available": available_cores(),
        "virtual": "hypervisor" in features,
        "memory_bytes": psutil.virtual_memory().total,
        "governor": text_of(_CPUFREQ / "scaling_governor"),
        "kernel": platform.release(),
        "versions": {
            "starling": __version__,
            "python": platform.python_version(),
            **installed_versions(_LIBRARIES),
        },
    }


def program_version(program: str, *arguments: str) -> str | None:
    """Return the first line of a program's output; None if there is none."""
    try:
        answer = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter((answer.stdout or answer.stderr).splitlines()), None)
