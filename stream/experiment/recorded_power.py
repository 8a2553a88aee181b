"""Power that another computer recorded, added to the results of the runs that it covers.

A meter on another computer has that computer's clock. The clocks' difference and its error are given by the user, from
`chronyc tracking` or `timedatectl timesync-status` on both; the error becomes part of the energy's error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.experiment.results import CellResult, ClockPair, Power, Span
from stream.power.recorded import RecordedReading, read_recording

_STARTED_AT_ERROR_SECONDS = 1.0
"""Error of the only pair in schema 1: the start of the run, shortly before its first phase."""


@dataclass(frozen=True)
class Clock:
    """The recording computer's clock, compared with the device's."""

    offset_seconds: float
    """Recording computer minus device."""
    error_seconds: float
    """Standard error of the offset."""


def with_recorded_power(result: CellResult, readings: Sequence[RecordedReading], clock: Clock) -> CellResult:
    """Add the readings that a run overlaps; a run that has readings of its own, or that none overlaps, is unchanged.

    Args:
        result: The run.
        readings: The recording.
        clock: Its clock.
    """
    if result.power is not None and result.power.watts:
        return result
    shift, error_seconds = _to_monotonic(result, clock)
    whole = Span(start_seconds=result.phases.before.start_seconds, end_seconds=result.phases.after.end_seconds)
    covered = [reading for reading in readings if _overlaps(reading, whole, shift)]
    if not covered:
        return result
    power = Power(
        source=covered[0].source,
        end_seconds=[reading.unix_seconds + shift for reading in covered],
        seconds=[reading.seconds for reading in covered],
        gap_seconds=[reading.gap_seconds for reading in covered],
        watts=[reading.watts.value for reading in covered],
        noise_watts=[_known(reading.watts.noise) for reading in covered],
        offset_watts=[_known(reading.watts.offset) for reading in covered],
        scale_watts=[_known(reading.watts.scale) for reading in covered],
        clock_offset_seconds=clock.offset_seconds,
        clock_error_seconds=error_seconds,
    )
    return result.model_copy(update={"power": power})


def read_power(path: Path) -> list[RecordedReading]:
    """Read a recording of `starling power record`.

    Raises:
        InputError: It is not one.
    """
    return read_recording(path)


def _to_monotonic(result: CellResult, clock: Clock) -> tuple[float, float]:
    """Return what to add to the recording's seconds to get the device's monotonic seconds, and its standard error."""
    pairs = result.clocks or [
        ClockPair(unix_seconds=result.started_at.timestamp(), monotonic_seconds=result.phases.before.start_seconds)
    ]
    differences = [pair.monotonic_seconds - pair.unix_seconds for pair in pairs]
    stepped = max(differences) - min(differences)  # the device's clock was set or drifted during the run
    unpaired = 0.0 if result.clocks else _STARTED_AT_ERROR_SECONDS
    middle = (max(differences) + min(differences)) / 2
    return middle - clock.offset_seconds, math.hypot(clock.error_seconds, stepped / 2, unpaired)


def _overlaps(reading: RecordedReading, span: Span, shift: float) -> bool:
    end = reading.unix_seconds + shift
    return end > span.start_seconds and end - reading.seconds < span.end_seconds


def _known(error: float) -> float | None:
    return None if math.isnan(error) else error
