"""Several runs' numbers as one: mean, standard deviation, and an interval that says how far the mean can be trusted."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's t, 97.5 % quantile, for 1 to 10 degrees of freedom."""
_T_975_BEYOND = 1.96
_Z = 1.96


@dataclass(frozen=True)
class Spread:
    """A number that was measured once or more often."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Their mean."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """Their standard deviation; None of a single one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def half_interval(self) -> float | None:
        """Half the 95 % interval of the mean, by Student's t; None of a single one."""
        if self.deviation is None:
            return None
        freedom = len(self.values) - 1
        quantile = _T_975[freedom - 1] if freedom <= len(_T_975) else _T_975_BEYOND
        return quantile * self.deviation / math.sqrt(len(self.values))


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share, by Wilson's score: how far another draw of as many tweets could be.

    Args:
        hits: Tweets that were right.
        trials: Tweets.
    """
    if trials == 0:
        return (0.0, 1.0)
    share, square = hits / trials, _Z**2
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = _Z / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    return middle - half, middle + half


def spread(values: Sequence[float | None]) -> Spread | None:
    """Of what is known; None where nothing is."""
    known = tuple(value for value in values if value is not None and not math.isnan(value))
    return Spread(known) if known else None
