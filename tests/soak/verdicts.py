"""Verdicts on the promises of a soak test: no lost tweets and no growth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from tests.soak.samples import Sample, steady
from tests.soak.slopes import Slope, slope
from tests.soak.soak import Soak

_WARM_UP_SHARE = 0.1
_STANDARD_ERRORS = 2
"""Half width of the interval around a slope, which contains the true slope in 95 % of cases."""
_SHORTEST_SECONDS = 900.0
"""Shortest soak that is judged: at its start a node grows until its pools and all lengths of tweets are in memory."""
_KILOBYTE = 1000


class Verdict(StrEnum):
    """Result of the check of a promise."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDED = "undecided: too short to tell"


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    promise: str
    measured: str
    verdict: Verdict


@dataclass(frozen=True)
class Growth:
    """A value with a limit on its growth per hour."""

    name: str
    unit: str
    limit_per_hour: float
    value: Callable[[Sample], float]


_GROWTHS = (
    Growth("resident memory", "kB", 1000, lambda sample: sample.rss_bytes / _KILOBYTE),
    Growth("anonymous memory", "kB", 1000, lambda sample: sample.anonymous_bytes / _KILOBYTE),
    Growth("file descriptors", "", 1, lambda sample: sample.descriptors),
    Growth("tasks that carry no tweet", "", 1, lambda sample: sample.tasks),
    Growth("threads", "", 1, lambda sample: sample.threads),
)
_LONGER = 1.5
"""Allowed ratio of latencies, since other work on a shared machine changes them."""


def findings(soak: Soak) -> list[Finding]:
    """Return the findings of a finished soak test."""
    warm = _warm(soak.samples)
    growths = [_growth(growth, warm) for growth in _GROWTHS]
    latencies = [
        _latency("median", warm, lambda sample: sample.latency_p50_seconds),
        _latency("99th percentile", warm, lambda sample: sample.latency_p99_seconds),
    ]
    return [_lost(soak.samples[-1]), _repeated(soak), *growths, *latencies]


def _warm(samples: Sequence[Sample]) -> list[Sample]:
    taken = steady(samples)
    return taken[int(_WARM_UP_SHARE * len(taken)) :]


def _lost(end: Sample) -> Finding:
    verdict = Verdict.KEPT if end.waiting == 0 else Verdict.BROKEN
    return Finding("no tweet is lost", f"{end.waiting} of {end.published:,}", verdict)


def _repeated(soak: Soak) -> Finding:
    """Compare the repeated tweets with those held at the restarts plus those that the publisher sent again."""
    end = soak.samples[-1]
    most = soak.restarts * soak.window + end.sent_again
    verdict = Verdict.KEPT if end.repeated <= most else Verdict.BROKEN
    return Finding(f"at most {most} come again after {soak.restarts} restarts", str(end.repeated), verdict)


def _growth(growth: Growth, warm: Sequence[Sample]) -> Finding:
    promise = f"{growth.name}: less than {growth.limit_per_hour:,} {growth.unit}".rstrip() + " more in an hour"
    found = slope([sample.at_seconds for sample in warm], [growth.value(sample) for sample in warm])
    measured = f"{found.per_hour:+,.1f} ± {found.standard_error:,.1f} {growth.unit}".rstrip()
    return Finding(promise, measured, _if_long_enough(warm, below(found, growth.limit_per_hour)))


def below(found: Slope, limit_per_hour: float) -> Verdict:
    """Check that a slope is below a limit, undecided within its standard error."""
    margin = _STANDARD_ERRORS * found.standard_error
    if found.per_hour + margin < limit_per_hour:
        return Verdict.KEPT
    return Verdict.BROKEN if found.per_hour - margin > limit_per_hour else Verdict.UNDECIDED


def _latency(name: str, warm: Sequence[Sample], value: Callable[[Sample], float | None]) -> Finding:
    """Compare medians over the seconds, on which short disturbances after a restart have little effect."""
    promise = f"latency, {name} of a second: in the last quarter at most {_LONGER} times the first's"
    known = [seconds for sample in warm if (seconds := value(sample)) is not None]
    quarter = max(1, len(known) // 4)
    first, last = median(known[:quarter]), median(known[-quarter:])
    verdict = Verdict.KEPT if last <= _LONGER * first else Verdict.BROKEN
    return Finding(promise, f"{first * 1000:.1f} ms, then {last * 1000:.1f} ms", _if_long_enough(warm, verdict))


def _if_long_enough(warm: Sequence[Sample], verdict: Verdict) -> Verdict:
    return verdict if warm[-1].at_seconds >= _SHORTEST_SECONDS else Verdict.UNDECIDED
