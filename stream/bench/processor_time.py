"""CPU time and memory of processes, as counted by the kernel."""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
import psutil

SAMPLE_SECONDS = 0.25


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and all its threads, with nanosecond resolution.

    The clock id is computed as clock_getcpuclockid(3) does; /proc has the same value in steps of 10 ms.

    Raises:
        OSError: There is no such process.
    """
    return time.clock_gettime((~pid << 3) | 2)


def resident_bytes(pid: int) -> int:
    """Return the resident set size of a process.

    Raises:
        psutil.NoSuchProcess: There is no such process.
    """
    return int(psutil.Process(pid).memory_info().rss)


@dataclass
class Sampled:
    """Samples of a process's CPU time and memory, at times of `time.monotonic`."""

    times: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)

    def add(self, pid: int) -> None:
        """Take a sample."""
        self.times.append(time.monotonic())
        self.cpu.append(cpu_seconds(pid))
        self.resident.append(resident_bytes(pid))

    def cpu_between(self, start: float, end: float) -> float:
        """CPU seconds between two times, interpolated between samples."""
        before, after = np.interp([start, end], self.times, self.cpu)
        return float(after - before)

    def most_resident_bytes(self, start: float, end: float) -> int:
        """Largest sampled resident set size between two times."""
        return max(self.resident_between(start, end), default=self.resident[-1])

    def resident_between(self, start: float, end: float) -> list[int]:
        """Samples of the resident set size between two times."""
        return [size for at, size in zip(self.times, self.resident, strict=True) if start <= at <= end]


class Sampler:
    """Samples processes in a thread until the context ends.

    Args:
        pids: Process ids by name.
    """

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self.samples = {name: Sampled() for name in pids}

    def __enter__(self) -> Self:
        """Start sampling."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the last sample."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while self._sample() and not self._ended.wait(SAMPLE_SECONDS):
            pass
        self._sample()

    def _sample(self) -> bool:
        try:
            for name, pid in self._pids.items():
                self.samples[name].add(pid)
        except (OSError, psutil.Error):
            return False  # a process has ended; the code that communicates with it reports that
        return True
