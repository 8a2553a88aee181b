"""Limitations of a run's numbers, each with the numbers that it affects."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from stream.experiment.record import PHASES, RunRecord
from stream.experiment.summary import SystemUse
from training.report.indices import READING_RATES
from training.report.quantities import RANDOM_WEIGHTS, Quantity

Q = Quantity

TIMES = frozenset(
    {Q.SECONDS, Q.SECONDS_PER_TWEET, Q.LATENCY_P50, Q.LATENCY_P90, Q.LATENCY_P99, Q.TWEETS_PER_SECOND, Q.FLOPS, Q.SI}
) | {Q.PAPER_FLOPS, Q.PROCESS_CPU_PER_TWEET}
PAPER_ENERGY = frozenset({Q.PAPER_POWER, Q.PAPER_WATTS_PER_SAMPLE, Q.MPI, Q.RER, Q.RER_OF_POWER})
ENERGY = PAPER_ENERGY | {
    Q.WATTS_IDLE,
    Q.WATTS,
    Q.WATTS_ABOVE_IDLE,
    Q.JOULES,
    Q.JOULES_PER_TWEET,
    Q.JOULES_ABOVE_IDLE_PER_TWEET,
    Q.JOULES_PER_CORRECT,
}
IDLE = frozenset({Q.WATTS_IDLE, Q.WATTS_ABOVE_IDLE, Q.JOULES_ABOVE_IDLE_PER_TWEET})
BEFORE = frozenset({Q.CPU_BEFORE, Q.MEMORY_BEFORE})
DURING = frozenset({Q.CPU, Q.MEMORY, Q.PROCESS_CPU, Q.PROCESS_CPU_SHARE, Q.PROCESS_BYTES, Q.PROCESS_MEMORY_SHARE}) | {
    Q.RER,
    Q.RER_OF_POWER,
}
AFTER = frozenset({Q.CPU_AFTER, Q.MEMORY_AFTER})
SCORES = frozenset({Q.ACCURACY, Q.MACRO_F1, Q.RELIABILITY, Q.SENSITIVITY, Q.REPLAB_F, Q.MPI})

_ENOUGH = 0.9
"""Share of the planned samples, or of the time, below which a caveat is given."""
_QUIET_CPU = 0.1


@dataclass(frozen=True)
class Caveat:
    """A sentence that stands beside every number it affects."""

    says: str
    touches: frozenset[Quantity]
    is_absence: bool = False
    """Whether those numbers are missing because of it."""


def caveats(record: RunRecord) -> Iterator[Caveat]:
    """Find the limitations of a run."""
    yield from _model(record)
    yield from _throttling(record)
    yield from _too_few(record)
    yield from _energy(record)
    yield from _other_work(record)


def _model(record: RunRecord) -> Iterator[Caveat]:
    if record.subject.base == RANDOM_WEIGHTS:
        yield Caveat("random weights: time, memory and size only; its labels mean nothing", SCORES, is_absence=True)


def _throttling(record: RunRecord) -> Iterator[Caveat]:
    if record.throttled:
        reasons = ", ".join(record.throttled).replace("_", " ")
        yield Caveat(f"the firmware slowed the processor down: {reasons}", TIMES | ENERGY)


def _too_few(record: RunRecord) -> Iterator[Caveat]:
    if record.tweets < record.data.planned:
        missing = record.data.planned - record.tweets
        yield Caveat(f"{missing} of {record.data.planned} tweets have no label: they are empty after cleaning", SCORES)
    for name, touches in zip(PHASES, (BEFORE, DURING, AFTER), strict=True):
        use: SystemUse = getattr(record, name)
        planned = record.planned_samples[name]
        if use.samples < max(2, _ENOUGH * planned):
            yield Caveat(f"{use.samples} samples of {planned} planned {name} labelling", touches)


def _energy(record: RunRecord) -> Iterator[Caveat]:
    source = record.power_source
    if source is None:
        yield Caveat("no power meter and no counter of the machine: energy is not known", ENERGY, is_absence=True)
        return
    if record.joules is None:
        yield Caveat(f"{source} gave no reading while labelling: energy is not known", ENERGY, is_absence=True)
        return
    if record.measured_seconds < _ENOUGH * record.seconds:
        yield Caveat(f"{source} covers {record.measured_seconds / record.seconds:.0%} of the time", ENERGY)
    if record.idle_watts is None:
        yield Caveat(f"{source} gave no reading before or after: idle power is not known", IDLE, is_absence=True)
    yield from _source(record, source)
    first, second = READING_RATES
    yield Caveat(
        f"at {first:.0f} readings per second; at {second:.0f}, which the paper may have used, 'Power', 'W/sample' and "
        f"RER are {second / first:.0f} times as large and MPI is {first / second:.2g} times",
        PAPER_ENERGY,
    )


def _source(record: RunRecord, source: str) -> Iterator[Caveat]:
    if source == "rapl":
        yield Caveat("RAPL counts the processor alone, not the machine", ENERGY)
    if source.endswith("-simulated"):
        yield Caveat("the meter is simulated: nothing was measured", ENERGY)
    if record.joules is not None and math.isnan(record.joules.standard_error):
        yield Caveat(f"{source} states no error: ± is the spread over runs alone", ENERGY)
    if record.clock_error_seconds:
        yield Caveat(
            f"recorded by another computer, whose clock was {record.clock_offset_seconds:+.3g} s "
            f"± {record.clock_error_seconds:.2g} s from the device's; that error is part of ±",
            ENERGY,
        )


def _other_work(record: RunRecord) -> Iterator[Caveat]:
    if record.before.cpu > _QUIET_CPU:
        says = f"more than {_QUIET_CPU:.0%} of the machine was busy before the run: other work shared it"
        yield Caveat(says, TIMES | ENERGY | BEFORE | DURING | AFTER)
