"""What is the matter with a run, and which of its numbers that touches."""

from collections.abc import Iterator
from dataclasses import dataclass

from stream.experiment.results import CellResult
from stream.experiment.summary import Summary, SystemUse
from stream.telemetry.resources import THROTTLED_BITS
from training.report.quantities import Quantity

Q = Quantity

TIMES = frozenset(
    {Q.SECONDS, Q.SECONDS_PER_TWEET, Q.LATENCY_P50, Q.LATENCY_P90, Q.LATENCY_P99, Q.TWEETS_PER_SECOND, Q.FLOPS, Q.SI}
) | {Q.PAPER_FLOPS, Q.PROCESS_CPU_PER_TWEET}
ENERGY = frozenset({Q.WATTS, Q.JOULES, Q.JOULES_PER_TWEET, Q.JOULES_PER_CORRECT, Q.MPI, Q.RER}) | {
    Q.WATTS_BEFORE,
    Q.WATTS_AFTER,
    Q.PAPER_POWER,
    Q.PAPER_WATTS_PER_SAMPLE,
}
BEFORE = frozenset({Q.CPU_BEFORE, Q.MEMORY_BEFORE})
DURING = frozenset(
    {Q.CPU, Q.MEMORY, Q.PROCESS_CPU, Q.PROCESS_CPU_SHARE, Q.PROCESS_BYTES, Q.PROCESS_MEMORY_SHARE, Q.RER}
)
AFTER = frozenset({Q.CPU_AFTER, Q.MEMORY_AFTER})
LABELS = frozenset({Q.ACCURACY, Q.MACRO_F1})

_PAST_BITS = 16
_ENOUGH = 0.9
"""The share of the planned samples, or of the time, that must be covered to pass without a word."""
_QUIET_CPU = 0.1


@dataclass(frozen=True)
class Caveat:
    """A sentence for the reader, to stand beside every number it touches."""

    says: str
    touches: frozenset[Quantity]
    is_absence: bool = False
    """Whether those numbers are missing because of it."""


def caveats(result: CellResult, summary: Summary) -> Iterator[Caveat]:
    """Find what is the matter with a run."""
    yield from _throttling(result)
    yield from _too_few(result, summary)
    yield from _energy(result, summary)
    yield from _company(summary)


def _throttling(result: CellResult) -> Iterator[Caveat]:
    before, after = result.throttled_bits
    bits = [int(bits) for bits in result.samples.columns["throttled_bits"] if bits is not None]
    seen = (after or 0) & ~(before or 0)
    now = 0
    for sample in bits:
        now |= sample
    reasons = [reason for bit, reason in THROTTLED_BITS.items() if (now >> bit | seen >> bit + _PAST_BITS) & 1]
    if reasons:
        yield Caveat(f"the device held back: {', '.join(reasons).replace('_', ' ')}", TIMES | ENERGY)


def _too_few(result: CellResult, summary: Summary) -> Iterator[Caveat]:
    if summary.tweets < result.data.planned:
        missing = result.data.planned - summary.tweets
        yield Caveat(
            f"{missing} of {result.data.planned} tweets have no label: cleaning leaves nothing of them", LABELS
        )
    phases = (("before", summary.before, BEFORE), ("during", summary.during, DURING), ("after", summary.after, AFTER))
    for name, use, touches in phases:
        thinned_by = result.samples.thinned_by if name == "during" else 1
        planned = int(getattr(result.phases, name).seconds * result.samples.per_second / thinned_by)
        if _samples_short(use, planned):
            yield Caveat(f"{use.samples} samples of {planned} planned {name} the tweets", touches)


def _samples_short(use: SystemUse, planned: int) -> bool:
    return use.samples < max(2, _ENOUGH * planned)


def _energy(result: CellResult, summary: Summary) -> Iterator[Caveat]:
    if result.power is None:
        yield Caveat("no meter, and no counter of the machine's own: energy is not known", ENERGY, is_absence=True)
    elif summary.joules is None:
        yield Caveat(
            f"{result.power.source} gave no reading in that time: energy is not known", ENERGY, is_absence=True
        )
    elif summary.measured_seconds < _ENOUGH * summary.seconds:
        share = summary.measured_seconds / summary.seconds
        yield Caveat(f"{result.power.source} covers {share:.0%} of the time", ENERGY)
    if result.power and result.power.source == "rapl":
        yield Caveat("RAPL counts the processor alone, not the machine", ENERGY)


def _company(summary: Summary) -> Iterator[Caveat]:
    if summary.before.cpu > _QUIET_CPU:
        says = f"more than {_QUIET_CPU:.0%} of the machine was busy before the run: other work shared it"
        yield Caveat(says, TIMES | ENERGY | BEFORE | DURING | AFTER)
