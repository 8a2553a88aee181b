"""The machine's resources, read at each scrape: CPU time, memory, disk, load, temperature, throttling, Wi-Fi, clock.

They are read in a thread. A read of /proc takes microseconds, but a sensor behind I2C or the firmware, and the command
`vcgencmd`, can take seconds, in which the event loop could neither label nor acknowledge.
"""

import asyncio
import logging
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

_PLATFORM = Path("/sys/devices/platform")
_THROTTLED_FILE = "soc*/*firmware*/get_throttled"
"""Pattern of the firmware's file; its folder is soc/soc:firmware on a Raspberry Pi 4, soc@…/soc@…:firmware on a 5."""
_WIRELESS_FILE = Path("/proc/net/wireless")
"""Two lines of headings, then a line for each interface: name, status, link quality, signal level in dBm, …"""
_TIME_SYNCHRONISATION = Path("/run/systemd/timesync")
"""Folder of systemd-timesyncd, which puts the file `synchronized` there once it has set the clock."""
_COMMAND_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 2.0
"""Longest wait of a scrape for new values; after that it gets the values read before."""
THROTTLED_BITS = {0: "under_voltage", 1: "frequency_capped", 2: "throttled", 3: "soft_temperature_limit"}
"""Bits of the Raspberry Pi firmware's `get_throttled` for the present; those from 16 on are for the past."""
_CPU_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


class ResourceCollector(Collector):
    """Metrics of the whole system; those of this process come from prometheus_client."""

    def __init__(self) -> None:
        self._families: list[Metric] = []
        self._reading: asyncio.Future[None] | None = None

    def collect(self) -> Iterable[Metric]:
        """Return the values that were read last, and the present time."""
        return [*self._families, _clock()]

    def read(self) -> None:
        """Read every value once; a value that cannot be read is left out."""
        self._families = [family for read in _READERS if (family := _read_or_none(read)) is not None]

    async def refresh(self) -> None:
        """Read every value in a thread; returns without new values if that takes too long."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().run_in_executor(None, self.read)
        await asyncio.wait([self._reading], timeout=_LONGEST_WAIT_SECONDS)


def throttled_bits() -> int | None:
    """Read the firmware's `get_throttled`; None on a machine that is no Raspberry Pi."""
    for file in _PLATFORM.glob(_THROTTLED_FILE):
        try:
            return int(file.read_text(encoding="ascii"), base=16)
        except (OSError, ValueError):
            continue
    return _throttled_bits_from_command()


def _throttled_bits_from_command() -> int | None:
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603  (a fixed command, found in PATH)
            [command, "get_throttled"], capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=True
        )
        return int(answer.stdout.strip().removeprefix("throttled="), base=16)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _read_or_none(read: Callable[[], Metric | None]) -> Metric | None:
    try:
        return read()
    except (OSError, ValueError, RuntimeError, AttributeError, LookupError, psutil.Error) as error:
        # What psutil raises where the kernel lacks a file, or where a sensor was just removed.
        logger.debug("a value of the machine cannot be read: %s", error)
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


def _disk() -> Metric:
    family = GaugeMetricFamily("starling_system_disk_bytes", "Space of the root file system.", labels=["state"])
    usage = psutil.disk_usage("/")
    family.add_metric(["total"], usage.total)
    family.add_metric(["available"], usage.free)
    return family


def _load() -> Metric:
    return GaugeMetricFamily("starling_system_load1", "Load average over a minute.", value=psutil.getloadavg()[0])


def _frequency() -> Metric:
    family = GaugeMetricFamily("starling_system_cpu_frequency_hertz", "Current frequency of the cores, on average.")
    if (frequency := psutil.cpu_freq()) is not None:
        family.add_metric([], frequency.current * 1e6)
    return family


def _temperatures() -> Metric:
    family = GaugeMetricFamily(
        "starling_system_temperature_celsius", "Temperature; the highest where a chip has several.", labels=["sensor"]
    )
    for chip, sensors in psutil.sensors_temperatures().items():
        family.add_metric([chip], max(sensor.current for sensor in sensors))
    return family


def _throttled() -> Metric | None:
    if (bits := throttled_bits()) is None:
        return None
    family = GaugeMetricFamily(
        "starling_system_throttled", "1 while the firmware limits the processor for this reason.", labels=["reason"]
    )
    for bit, reason in THROTTLED_BITS.items():
        family.add_metric([reason], bits >> bit & 1)
    return family


def _wifi_signal() -> Metric:
    family = GaugeMetricFamily(
        "starling_system_wifi_signal_dbm", "Level of the access point's signal.", labels=["interface"]
    )
    for line in _WIRELESS_FILE.read_text(encoding="ascii").splitlines()[2:]:
        interface, _, numbers = line.partition(":")
        level = float(numbers.split()[2].rstrip("."))
        if level < 0:  # other drivers state a share of an unknown maximum
            family.add_metric([interface.strip()], level)
    return family


def _clock_synchronized() -> Metric | None:
    if not _TIME_SYNCHRONISATION.is_dir():
        return None
    return GaugeMetricFamily(
        "starling_system_clock_synchronized",
        "1 if systemd-timesyncd has set the clock since the start of the machine, else 0.",
        value=(_TIME_SYNCHRONISATION / "synchronized").exists(),
    )


def _clock() -> Metric:
    """Return the present time: it is compared with the scrape's, so it must not be older than the answer."""
    return GaugeMetricFamily("starling_system_time_seconds", "The machine's clock, Unix time.", value=time.time())


_READERS: tuple[Callable[[], Metric | None], ...] = (
    _cpu_seconds,
    _memory,
    _disk,
    _load,
    _frequency,
    _temperatures,
    _throttled,
    _wifi_signal,
    _clock_synchronized,
)
