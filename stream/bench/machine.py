"""What a result was measured on: processor, memory, system, versions."""

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from stream import __version__
from stream.model import available_cores

_LIBRARIES = ("ai-edge-litert", "tflite-runtime", "numpy", "tokenizers", "orjson", "aiomqtt", "paho-mqtt")
_CPUFREQ = Path("/sys/devices/system/cpu/cpu0/cpufreq")
_BOARD = Path("/proc/device-tree/model")
_CPU_INFO = Path("/proc/cpuinfo")
_CPU_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "asimddp", "i8mm", "neon", "sve")
"""The instructions that decide how fast 8-bit kernels are."""


def describe_machine() -> dict[str, Any]:
    """Describes the machine and what runs on it; what it does not tell is None."""
    info = _cpu_info()
    features = info.get("flags", info.get("Features", "")).split()
    return {
        "board": _text(_BOARD),
        "processor": info.get("model name") or info.get("Model") or platform.processor() or None,
        "processor_features": [feature for feature in _CPU_FEATURES if feature in features],
        "architecture": platform.machine(),
        "cores": psutil.cpu_count(),
        "cores_available": available_cores(),
        "virtual": "hypervisor" in features,
        "memory_bytes": psutil.virtual_memory().total,
        "governor": _text(_CPUFREQ / "scaling_governor"),
        "kernel": platform.release(),
        "versions": {"starling": __version__, "python": platform.python_version(), **_versions()},
    }


def program_version(program: str, *arguments: str) -> str | None:
    """The first line that a program says of itself; None where it says nothing."""
    try:
        answer = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter((answer.stdout or answer.stderr).splitlines()), None)


def _versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def _cpu_info() -> dict[str, str]:
    """The first core's lines of /proc/cpuinfo, and those about the board that come after all cores."""
    info: dict[str, str] = {}
    for line in (_text(_CPU_INFO) or "").splitlines():
        key, colon, value = line.partition(":")
        if colon:
            info.setdefault(key.strip(), value.strip())
    return info


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None
