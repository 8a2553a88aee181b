"""The machine's own numbers, read when Prometheus asks: CPU, memory, temperature, throttling."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_THROTTLED_FILE = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
THROTTLED_BITS = {0: "under_voltage", 1: "frequency_capped", 2: "throttled", 3: "soft_temperature_limit"}
"""Bits of the Raspberry Pi firmware's `get_throttled` that tell of now; those from 16 on tell of the past."""
_CPU_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


class ResourceCollector(Collector):
    """The whole system's use of the machine; the process's own comes from prometheus_client."""

    def collect(self) -> Iterable[Metric]:
        """Read every number once."""
        yield _cpu_seconds()
        yield _memory()
        yield GaugeMetricFamily("starling_system_load1", "Load average over a minute.", value=psutil.getloadavg()[0])
        yield _frequency()
        yield _temperatures()
        if (bits := throttled_bits()) is not None:
            yield _throttled(bits)


def throttled_bits() -> int | None:
    """The firmware's word on throttling; None on a machine that is no Raspberry Pi."""
    try:
        return int(_THROTTLED_FILE.read_text(encoding="ascii"), base=16)
    except (OSError, ValueError):
        return _throttled_bits_from_command()


def _throttled_bits_from_command() -> int | None:
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    try:
        answer = subprocess.run([command, "get_throttled"], capture_output=True, text=True, timeout=1, check=True)  # noqa: S603
        return int(answer.stdout.strip().removeprefix("throttled="), base=16)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _cpu_seconds() -> Metric:
    family = CounterMetricFamily(
        "starling_system_cpu_seconds", "Time that all cores together spent in each mode.", labels=["mode"]
    )
    times = psutil.cpu_times()
    for mode in _CPU_MODES:
        family.add_metric([mode], getattr(times, mode, 0.0))
    return family


def _memory() -> Metric:
    family = GaugeMetricFamily("starling_system_memory_bytes", "Memory of the whole system.", labels=["state"])
    memory = psutil.virtual_memory()
    family.add_metric(["total"], memory.total)
    family.add_metric(["available"], memory.available)
    return family


def _frequency() -> Metric:
    family = GaugeMetricFamily("starling_system_cpu_frequency_hertz", "The cores' present frequency, on average.")
    if (frequency := psutil.cpu_freq()) is not None:
        family.add_metric([], frequency.current * 1e6)
    return family


def _temperatures() -> Metric:
    family = GaugeMetricFamily("starling_system_temperature_celsius", "What each sensor tells.", labels=["sensor"])
    hottest: dict[str, float] = {}
    for chip, sensors in psutil.sensors_temperatures().items():
        hottest[chip] = max(sensor.current for sensor in sensors)
    for chip, celsius in hottest.items():
        family.add_metric([chip], celsius)
    return family


def _throttled(bits: int) -> Metric:
    family = GaugeMetricFamily(
        "starling_system_throttled", "1 while the firmware holds back for it.", labels=["reason"]
    )
    for bit, reason in THROTTLED_BITS.items():
        family.add_metric([reason], bits >> bit & 1)
    return family
