"""CPU time and memory of any process of ours, as the kernel counts them."""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
import psutil

SAMPLE_SECONDS = 0.25


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process and all its threads have used, in nanosecond steps.

    Its clock is made as clock_getcpuclockid(3) makes it; /proc tells the same in steps of 10 ms.

    Raises:
        OSError: There is no such process.
    """
    return time.clock_gettime((~pid << 3) | 2)


def resident_bytes(pid: int) -> int:
    """The resident set of a process.

    Raises:
        psutil.NoSuchProcess: There is no such process.
    """
    return int(psutil.Process(pid).memory_info().rss)


@dataclass
class Sampled:
    """What a process used, at times of `time.monotonic`."""

    times: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)

    def add(self, pid: int) -> None:
        """Take a sample."""
        self.times.append(time.monotonic())
        self.cpu.append(cpu_seconds(pid))
        self.resident.append(resident_bytes(pid))

    def cpu_between(self, start: float, end: float) -> float:
        """CPU seconds used between two times, interpolated between the samples around each."""
        before, after = np.interp([start, end], self.times, self.cpu)
        return float(after - before)

    def most_resident_bytes(self, start: float, end: float) -> int:
        """The most that was resident between two times, as far as was sampled."""
        return max(self.resident_between(start, end), default=self.resident[-1])

    def resident_between(self, start: float, end: float) -> list[int]:
        """Each sample of what was resident between two times."""
        return [size for at, size in zip(self.times, self.resident, strict=True) if start <= at <= end]


class Sampler:
    """Samples processes from a thread until the context ends.

    Args:
        pids: The processes, each by a name.
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
            return False  # one has ended; whoever talks to it finds out and says so
        return True
