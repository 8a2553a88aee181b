"""Slope of a value over time, with its standard error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_BLOCKS = 20
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class Slope:
    """Slope of a fitted line, with the standard error from its residuals."""

    per_hour: float
    standard_error: float


def slope(seconds: Sequence[float], values: Sequence[float]) -> Slope:
    """Fit a line by least squares, through the means of 20 equal blocks.

    Samples that are a second apart are correlated: a line through them would have a much too small standard error. The
    means of the blocks are approximately independent.

    Args:
        seconds: Time of each value.
        values: The values; at least three.
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
