"""How fast something grows, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BLOCKS = 20
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class Slope:
    """A straight line's rise, with the standard error that its scatter gives."""

    per_hour: float
    standard_error: float


def slope(seconds: Sequence[float], values: Sequence[float]) -> Slope:
    """Fit a line by least squares, through the means of 20 equal blocks.

    What is measured a second after the other is no independent evidence: a line through the samples themselves would
    claim a standard error far too small. The blocks' means are about independent.

    Args:
        seconds: When each value was taken.
        values: As many; at least three.
    """
    blocks = min(_BLOCKS, len(values))
    hours = np.array([block.mean() for block in np.array_split(np.asarray(seconds), blocks)]) / _SECONDS_PER_HOUR
    means = np.array([block.mean() for block in np.array_split(np.asarray(values, dtype=float), blocks)])
    centred = hours - hours.mean()
    spread = float((centred**2).sum())
    per_hour = float((centred * means).sum()) / spread
    residuals = means - means.mean() - per_hour * centred
    variance = float((residuals**2).sum()) / (blocks - 2)
    return Slope(per_hour, (variance / spread) ** 0.5)
