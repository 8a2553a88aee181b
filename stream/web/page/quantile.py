"""Quantiles from the buckets of a histogram."""

import math
from collections.abc import Sequence


def quantile(share: float, bounds: Sequence[float], counts: Sequence[float]) -> float | None:
    """Estimate a quantile by linear interpolation within a bucket, as Prometheus' histogram_quantile does.

    Args:
        share: The quantile, 0 to 1.
        bounds: Upper bounds of the buckets, ascending; the last one is infinite.
        counts: Number of observations up to each bound, same shape as `bounds`.

    Returns:
        The estimate, at most the highest finite bound; None without observations.
    """
    if not counts or counts[-1] <= 0:
        return None
    rank = share * counts[-1]
    position = next(index for index, count in enumerate(counts) if count >= rank and count > 0)
    if math.isinf(bounds[position]):
        return bounds[position - 1]
    lower, fewer = (bounds[position - 1], counts[position - 1]) if position else (0.0, 0.0)
    return lower + (bounds[position] - lower) * (rank - fewer) / (counts[position] - fewer)
