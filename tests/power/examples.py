"""Example frames and readings."""

from collections.abc import AsyncGenerator, Iterable

from stream.power.frames import Sample, checksum
from stream.power.reading import Estimate, Reading

WINDOW = 1923
PERIOD = WINDOW + 64
PERIOD_SECONDS = PERIOD * 104e-6


def line(payload: str) -> bytes:
    """Return a complete line with this payload."""
    return f"${payload}*{checksum(payload.encode()):04X}\n".encode()


def sample(sequence: int = 0, code: int = 512, n: int = WINDOW, supply_millivolts: int = 5006) -> Sample:
    """Return a window with a constant code."""
    return Sample(sequence, n + 64, n, n * code, n * code * code, supply_millivolts)


def sample_line(of: Sample) -> bytes:
    """Return the line that the meter sends for a window."""
    fields = (of.sequence, of.period, of.n, of.code_sum, of.square_sum, of.supply_millivolts)
    return line("S1," + ",".join(map(str, fields)))


def reading(watts: float, seconds: float = 1.0, *, noise: float = 0.0, gap_seconds: float = 0.0) -> Reading:
    """Return a reading without systematic errors."""
    return Reading(seconds, Estimate(watts, noise), gap_seconds=gap_seconds)


class Recorded:
    """A source with a fixed list of readings."""

    name = "recorded"

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = readings

    async def readings(self) -> AsyncGenerator[Reading]:
        for one in self._readings:
            yield one
