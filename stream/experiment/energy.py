"""Keeps what the meter tells during an experiment, and adds it up over any stretch of it."""

import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing

from stream.errors import MeterError
from stream.experiment.results import Power, Span
from stream.power.energy import Energy
from stream.power.reading import Estimate, Reading
from stream.power.source import Source, choose_source
from stream.settings import PowerSettings

logger = logging.getLogger(__name__)


class Meter:
    """Whatever tells this machine's power, if anything does.

    Args:
        settings: What to use.
    """

    def __init__(self, settings: PowerSettings) -> None:
        self._source: Source | None = choose_source(settings)
        self._readings: list[tuple[float, Reading]] = []

    async def run(self) -> None:
        """Take readings until it is cancelled; a machine's counter that fails is given up, with a word in the log."""
        if self._source is None:
            return
        async with aclosing(self._source.readings()) as readings:
            try:
                async for reading in readings:
                    self._readings.append((time.monotonic(), reading))
            except MeterError as error:
                logger.warning("%s; energy is not measured any more", error)

    def take(self) -> Power | None:
        """Hand over the readings since the last call; None where there is nothing to measure with."""
        if self._source is None:
            return None
        taken, self._readings = self._readings, []
        return Power(
            source=self._source.name,
            end_seconds=[arrived for arrived, _ in taken],
            seconds=[reading.seconds for _, reading in taken],
            gap_seconds=[reading.gap_seconds for _, reading in taken],
            watts=[reading.watts.value for _, reading in taken],
            noise_watts=[_known(reading.watts.noise) for _, reading in taken],
            offset_watts=[_known(reading.watts.offset) for _, reading in taken],
            scale_watts=[_known(reading.watts.scale) for _, reading in taken],
        )


def energy_over(power: Power, span: Span) -> Energy:
    """Add up what was measured within a stretch of time; of a reading that reaches over its edge, the part within."""
    energy = Energy()
    errors = zip(power.noise_watts, power.offset_watts, power.scale_watts, strict=True)
    for start, end, watts, error in zip(_starts(power), power.end_seconds, power.watts, errors, strict=True):
        within = min(end, span.end_seconds) - max(start, span.start_seconds)
        if within > 0:
            energy.add(Reading(within, _estimate(watts, error)))
    return energy


def _starts(power: Power) -> Iterator[float]:
    """Where each reading begins: at the end of the one before, unless there was a gap.

    A reading's own length would leave holes and overlaps, for what arrives over a serial line is now early, now late.
    """
    last_end: float | None = None
    for end, seconds, gap in zip(power.end_seconds, power.seconds, power.gap_seconds, strict=True):
        yield end - seconds if last_end is None or gap > 0 else last_end
        last_end = end


def _estimate(watts: float, errors: Sequence[float | None]) -> Estimate:
    noise, offset, scale = (math.nan if error is None else error for error in errors)
    return Estimate(watts, noise, offset, scale)


def _known(error: float) -> float | None:
    return None if math.isnan(error) else error
