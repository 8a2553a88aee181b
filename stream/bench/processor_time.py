"""CPU time and memory of processes, as counted by the kernel."""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

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


class Sample(NamedTuple):
    """CPU time and memory of a process at one time."""

    at: float
    """Seconds, by `time.monotonic`."""
    cpu_seconds: float
    resident_bytes: int


@dataclass
class Sampled:
    """Samples of a process, oldest first; one thread may add while another reads."""

    samples: list[Sample] = field(default_factory=list)

    def add(self, pid: int) -> None:
        """Take a sample."""
        self.samples.append(Sample(time.monotonic(), cpu_seconds(pid), resident_bytes(pid)))

    @property
    def last_resident_bytes(self) -> int:
        """Resident set size in the last sample."""
        return self.samples[-1].resident_bytes

    def cpu_between(self, start: float, end: float) -> float:
        """CPU seconds between two times, interpolated between samples."""
        samples = list(self.samples)
        times = [sample.at for sample in samples]
        before, after = np.interp([start, end], times, [sample.cpu_seconds for sample in samples])
        return float(after - before)

    def most_resident_bytes(self, start: float, end: float) -> int:
        """Largest sampled resident set size between two times."""
        return max(self.resident_between(start, end), default=self.last_resident_bytes)

    def resident_between(self, start: float, end: float) -> list[int]:
        """Samples of the resident set size between two times."""
        return [sample.resident_bytes for sample in list(self.samples) if start <= sample.at <= end]


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
