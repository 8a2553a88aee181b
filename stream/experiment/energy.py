"""Power readings during an experiment, and the energy over any interval of it."""

import asyncio
import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing, suppress

from stream.errors import MeterError
from stream.experiment.results import Phases, Power, Span
from stream.power.energy import Energy
from stream.power.reading import Estimate, Reading
from stream.power.source import Source, choose_source
from stream.settings import PowerSettings

logger = logging.getLogger(__name__)


class Meter:
    """The source of power readings of this machine, if it has one.

    Args:
        settings: The plan's `[power]`.

    Raises:
        MeterError: The settings name a source that this machine does not have.
    """

    def __init__(self, settings: PowerSettings) -> None:
        self._source: Source | None = choose_source(settings)
        self._readings: list[tuple[float, Reading]] = []
        self._first_reading = asyncio.Event()

    @property
    def source(self) -> str | None:
        """Name of the source; None: there is none."""
        return self._source.name if self._source else None

    async def run(self) -> None:
        """Take readings until cancelled. After an error of the machine's counter, log it and take no more."""
        if self._source is None:
            return
        async with aclosing(self._source.readings()) as readings:
            try:
                async for reading in readings:
                    self._readings.append((time.monotonic(), reading))
                    self._first_reading.set()
            except MeterError as error:
                logger.warning("%s; energy is not measured any more", error)

    async def answers_within(self, seconds: float) -> bool:
        """Wait for the first reading; False: none came in this time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._first_reading.wait()
        return self._first_reading.is_set()

    def take(self) -> Power | None:
        """Return the readings since the last call; None: there is no source."""
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
    """Sum the readings within an interval; a reading that crosses its border counts in proportion."""
    energy = Energy()
    errors = zip(power.noise_watts, power.offset_watts, power.scale_watts, strict=True)
    for start, end, watts, error in zip(_starts(power), power.end_seconds, power.watts, errors, strict=True):
        within = min(end, span.end_seconds) - max(start, span.start_seconds)
        if within > 0:
            energy.add(Reading(within, _estimate(watts, error)))
    return energy


def watts_over(power: Power, span: Span) -> Estimate | None:
    """Return the mean power of an interval; None: no reading is within it.

    The error of the recording computer's clock is part of `scale`, because it is the same in all runs.
    """
    watts = energy_over(power, span).watts
    if watts is None:
        return None
    return Estimate(watts.value, watts.noise, watts.offset, math.hypot(watts.scale, clock_error_watts(power, span)))


def idle_watts(power: Power, phases: Phases) -> Estimate | None:
    """Return the idle power: the mean of before and after labelling; None: neither was measured.

    If the two differ, the idle power while labelling was somewhere between them: half the difference is the half-width
    of a uniform distribution (GUM 4.3.7), and its standard error is part of `noise`.
    """
    spans = (phases.before, phases.after)
    known = [watts for span in spans if (watts := watts_over(power, span)) is not None]
    if not known:
        return None
    values = [watts.value for watts in known]
    drift = (max(values) - min(values)) / 2 / math.sqrt(3)
    noise = math.hypot(*(watts.noise for watts in known)) / len(known)
    offset, scale = (sum(getattr(watts, part) for watts in known) / len(known) for part in ("offset", "scale"))
    return Estimate(sum(values) / len(known), math.hypot(noise, drift), offset, scale)


def above_idle_watts(power: Power, phases: Phases) -> Estimate | None:
    """Return the mean power while labelling minus the idle power; None: one of them was not measured.

    A meter's offset is the same in both, so it cancels; what a clock's error shifts does not.
    """
    exact = power.model_copy(update={"clock_error_seconds": 0.0})
    during, idle = watts_over(exact, phases.during), idle_watts(exact, phases)
    if during is None or idle is None:
        return None
    spans = (phases.during, phases.before, phases.after)
    clock = sum(clock_error_watts(power, span) for span in spans)
    return Estimate(
        during.value - idle.value,
        math.hypot(during.noise, idle.noise),
        abs(during.offset - idle.offset),
        math.hypot(during.scale - idle.scale, clock),
    )


def clock_error_watts(power: Power, span: Span) -> float:
    """Return how far the mean power of an interval moves if the clocks differ by one standard error more or less."""
    if not power.clock_error_seconds:
        return 0.0
    centre = energy_over(power, span).watts
    moved = [
        energy_over(power, Span(start_seconds=span.start_seconds + shift, end_seconds=span.end_seconds + shift)).watts
        for shift in (-power.clock_error_seconds, power.clock_error_seconds)
    ]
    return max((abs(each.value - centre.value) for each in moved if each and centre), default=0.0)


def _starts(power: Power) -> Iterator[float]:
    """Yield the start of each reading: the end of the previous one, unless there was a gap.

    The length of a reading alone would leave holes and overlaps, because readings arrive over a serial line with a
    varying delay.
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
