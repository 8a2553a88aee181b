"""Samples the machine and one process from a separate process at a low cost: one line of raw counters per sample.

    python -m stream.experiment.monitor SAMPLES_PER_SECOND

Lines go to stdout, preferably a file. A process id on stdin is sampled from then on. The end of stdin ends the monitor,
so that it never outlives its parent. Only the standard library is imported, because imports would cost most.
"""

import os
import select
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

COLUMNS = (
    "seconds",
    "cpu_busy_ticks",
    "cpu_ticks",
    "memory_available_bytes",
    "process_ticks",
    "process_resident_bytes",
    "celsius",
    "hertz",
    "throttled_bits",
)
"""`seconds` are of CLOCK_MONOTONIC, which all processes share; ticks count all cores together, since boot."""
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_COUNTED_MODES = 8  # user to steal; the time of guests, which follows, is part of user
_IDLE_MODES = slice(3, 5)  # idle, and waiting for a disk
_UTIME, _STIME = 11, 12  # fields of /proc/PID/stat after the command name
_LONGEST_BYTES = 4096
_CPU_SENSORS = ("cpu", "soc", "pkg")
_SYS = Path("/sys")

Number = int | float | None
Numbers = tuple[Number, ...]


class _File:
    """A kernel file that is read repeatedly; None if it does not exist."""

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            self._descriptor = -1

    def read(self) -> bytes | None:
        try:
            return os.pread(self._descriptor, _LONGEST_BYTES, 0) if self._descriptor >= 0 else None
        except OSError:
            return None

    def number(self, base: int = 10) -> int | None:
        content = self.read()
        try:
            return int(content, base) if content else None
        except ValueError:
            return None

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Sampler:
    """Reader of the counters.

    Args:
        sys: Folder of the kernel's sensors; tests use their own.
    """

    def __init__(self, sys: Path = _SYS) -> None:
        self._stat = _File(Path("/proc/stat"))
        self._memory = _File(Path("/proc/meminfo"))
        self._process: tuple[_File, _File] | None = None
        self._temperature = _File(_cpu_sensor(sys))
        policies = sorted(sys.glob("devices/system/cpu/cpufreq/policy*/scaling_cur_freq"))
        self._frequencies = [_File(policy) for policy in policies]
        self._throttled = _File(sys / "devices/platform/soc/soc:firmware/get_throttled")

    def watch(self, process_id: int) -> None:
        """Sample this process from now on."""
        for file in self._process or ():
            file.close()
        folder = Path("/proc", str(process_id))
        self._process = _File(folder / "stat"), _File(folder / "statm")

    def sample(self) -> Numbers:
        """Read all counters once, in the order of COLUMNS; None for those that this machine does not have."""
        busy, total = self._cpu_ticks()
        millicelsius = self._temperature.number()
        return (
            time.monotonic(),
            busy,
            total,
            self._memory_available_bytes(),
            *self._process_numbers(),
            None if millicelsius is None else millicelsius / 1000,
            self._hertz(),
            self._throttled.number(16),
        )

    def _cpu_ticks(self) -> tuple[int, int]:
        first_line = (self._stat.read() or b"").split(b"\n", 1)[0]
        modes = [int(ticks) for ticks in first_line.split()[1 : 1 + _COUNTED_MODES]]
        return sum(modes) - sum(modes[_IDLE_MODES]), sum(modes)

    def _memory_available_bytes(self) -> int | None:
        _, found, rest = (self._memory.read() or b"").partition(b"MemAvailable:")
        return int(rest.split(None, 1)[0]) * 1024 if found else None

    def _process_numbers(self) -> tuple[int | None, int | None]:
        stat, statm = (file.read() for file in self._process) if self._process else (None, None)
        if not stat or not statm:
            return None, None
        fields = stat.rpartition(b")")[2].split()
        return int(fields[_UTIME]) + int(fields[_STIME]), int(statm.split()[1]) * _PAGE_BYTES

    def _hertz(self) -> float | None:
        kilohertz = [number for file in self._frequencies if (number := file.number()) is not None]
        return 1000 * sum(kilohertz) / len(kilohertz) if kilohertz else None


def _cpu_sensor(sys: Path) -> Path:
    zones = sorted(sys.glob("class/thermal/thermal_zone*"))
    cpu_zones = [zone for zone in zones if any(word in _text(zone / "type") for word in _CPU_SENSORS)]
    return next(iter(cpu_zones or zones), sys) / "temp"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").lower()
    except OSError:
        return ""


def column(sample: Numbers, name: str) -> Number:
    """Return one column of a sample."""
    return sample[COLUMNS.index(name)]


def line(numbers: Iterable[Number]) -> bytes:
    """Format a sample."""
    return ",".join("" if number is None else repr(number) for number in numbers).encode() + b"\n"


def parse(lines: Iterable[bytes]) -> Iterator[Numbers]:
    """Parse samples, line by line; an incomplete last line is left out."""
    for text in lines:
        if text.endswith(b"\n"):
            yield tuple(map(_number, text.decode().rstrip("\n").split(",")))


def _number(text: str) -> Number:
    if not text:
        return None
    return int(text) if text.isdigit() else float(text)


def monitor(samples_per_second: float) -> None:
    """Sample until stdin ends, at times fixed in advance, so that a late sample does not delay the next."""
    sampler = Sampler()
    period_seconds = 1 / samples_per_second
    due = time.monotonic()
    while True:
        os.write(1, line(sampler.sample()))
        due = max(due + period_seconds, time.monotonic())
        while (wait := due - time.monotonic()) > 0:
            if select.select([0], [], [], wait)[0]:
                process_id = os.read(0, _LONGEST_BYTES)
                if not process_id:
                    return
                sampler.watch(int(process_id))


if __name__ == "__main__":
    monitor(float(sys.argv[1]))
