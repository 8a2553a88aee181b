"""Several runs' values of a quantity: mean, spread, and the uncertainty of the mean by the GUM.

The GUM (JCGM 100:2008) combines what varies from run to run (type A, which averages out) with what is the same in all
runs (type B: a meter's offset and gain, which do not average out).
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from stream.power.reading import Estimate

_T_975 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""Student's t, 97.5 % quantile, for 1 to 30 degrees of freedom."""
_Z = 1.96


@dataclass(frozen=True)
class Uncertainty:
    """Standard uncertainties of a mean, in the quantity's unit."""

    runs: float | None
    """Type A: spread over the runs, divided by the root of their number; of a single run, the meter's noise."""
    degrees_of_freedom: float
    offset: float
    """Type B: the meter's zero, the same in all runs."""
    scale: float
    """Type B: the meter's gain, the supply's voltage and a recording's clock, the same in all runs."""
    meter_is_stated: bool
    """Whether the source of power states its error; otherwise offset and scale are 0 and not known."""

    @property
    def combined(self) -> float:
        """Combined standard uncertainty."""
        return math.hypot(self.runs or 0.0, self.offset, self.scale)

    @property
    def coverage_factor(self) -> float:
        """Factor for a level of confidence of 95 %, by the Welch-Satterthwaite formula."""
        if not self.runs or math.isinf(self.degrees_of_freedom):
            return _Z
        return student_t(self.degrees_of_freedom * (self.combined / self.runs) ** 4)

    @property
    def expanded(self) -> float:
        """Half the width of the 95 % interval."""
        return self.coverage_factor * self.combined


@dataclass(frozen=True)
class Spread:
    """A quantity that was measured in one run or in several."""

    values: tuple[float, ...]
    meter: tuple[Estimate, ...] = ()
    """Errors of each value by the power meter; empty: no power meter was used."""
    stated_deviation: float | None = None
    """The ± of a printed number."""

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return statistics.fmean(self.values)

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation; None: a single value."""
        return statistics.stdev(self.values) if len(self.values) > 1 else self.stated_deviation

    @property
    def half_interval(self) -> float | None:
        """Half the 95 % interval of the mean by the spread alone, with Student's t; None: a single value."""
        if len(self.values) < 2:  # noqa: PLR2004
            return None
        freedom = len(self.values) - 1
        return student_t(freedom) * statistics.stdev(self.values) / math.sqrt(len(self.values))

    @property
    def uncertainty(self) -> Uncertainty | None:
        """Uncertainty of the mean; None: a single value without a stated error."""
        count = len(self.values)
        runs = statistics.stdev(self.values) / math.sqrt(count) if count > 1 else None
        freedom = count - 1 if count > 1 else math.inf
        if not self.meter:
            return Uncertainty(runs, freedom, 0.0, 0.0, meter_is_stated=False) if runs is not None else None
        noise, offset, scale = (
            statistics.fmean(getattr(error, part) for error in self.meter) for part in ("noise", "offset", "scale")
        )
        if any(map(math.isnan, (noise, offset, scale))):
            return Uncertainty(runs, freedom, 0.0, 0.0, meter_is_stated=False) if runs is not None else None
        return Uncertainty(noise if runs is None else runs, freedom, offset, scale, meter_is_stated=True)


def student_t(degrees_of_freedom: float) -> float:
    """Return the 97.5 % quantile of Student's t; degrees of freedom are rounded down (GUM G.4.1)."""
    if math.isinf(degrees_of_freedom):
        return _Z
    whole = max(1, math.floor(degrees_of_freedom))
    return _T_975[whole - 1] if whole <= len(_T_975) else _Z + 2.4 / whole


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a ratio by Wilson's score: the range to expect with other tweets of the same kind.

    Args:
        hits: Number of correct tweets.
        trials: Number of tweets.
    """
    if trials == 0:
        return (0.0, 1.0)
    share, square = hits / trials, _Z**2
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = _Z / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    return middle - half, middle + half


def spread(values: Sequence[float | None], meter: Sequence[Estimate] = ()) -> Spread | None:
    """Return the known values; None: none is known."""
    known = tuple(value for value in values if value is not None and not math.isnan(value))
    return Spread(known, tuple(meter)) if known else None
