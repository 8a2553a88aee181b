"""Merging of samples, so that a long run fits into a small device's memory; the means do not change."""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import groupby
from operator import or_

from stream.experiment.monitor import COLUMNS, Numbers
from stream.experiment.results import Span

MOST_SAMPLES = 36_000
"""An hour at ten per second. Eighteen hours, the length of the paper's longest run, would take 700 MB of memory."""
_LEVELS = frozenset({"memory_available_bytes", "process_resident_bytes", "celsius", "hertz"})
_BITS = frozenset({"throttled_bits"})


def factor(during: Span, per_second: float) -> int:
    """Return how many samples taken during labelling are merged into one."""
    return max(1, math.ceil(during.seconds * per_second / MOST_SAMPLES))


def thinned(samples: Iterable[Numbers], during: Span, by: int) -> Iterator[Numbers]:
    """Merge each `by` samples that were taken during labelling; samples before and after do not change."""
    for within, run in groupby(samples, key=lambda sample: _is_within(sample, during)):
        yield from _merged_by(run, by if within else 1)


def _is_within(sample: Numbers, during: Span) -> bool:
    return during.start_seconds <= (sample[0] or 0.0) <= during.end_seconds


def _merged_by(samples: Iterable[Numbers], by: int) -> Iterator[Numbers]:
    for _, group in groupby(enumerate(samples), key=lambda numbered: numbered[0] // by):
        yield _merged([sample for _, sample in group])


def _merged(samples: Sequence[Numbers]) -> Numbers:
    """Merge samples: first value of counters, mean of levels, union of bits."""
    columns = zip(COLUMNS, zip(*samples, strict=True), strict=True)
    return tuple(_merged_column(name, column) for name, column in columns)


def _merged_column(name: str, column: Numbers) -> float | None:
    known = [number for number in column if number is not None]
    if not known:
        return None
    if name in _LEVELS:
        return sum(known) / len(known)
    return reduce(or_, map(int, known)) if name in _BITS else column[0]
