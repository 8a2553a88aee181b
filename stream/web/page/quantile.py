"""Quantiles out of a histogram's buckets."""

import math
from collections.abc import Sequence


def quantile(share: float, bounds: Sequence[float], counts: Sequence[float]) -> float | None:
    """Estimate a quantile as Prometheus' histogram_quantile does: evenly spread within a bucket.

    Args:
        share: Which quantile, 0 to 1.
        bounds: The buckets' upper bounds, rising, the last one infinite.
        counts: Observations of at most each bound, shape as `bounds`.

    Returns:
        The estimate, at most the highest finite bound; None where nothing was observed.
    """
    if not counts or counts[-1] <= 0:
        return None
    rank = share * counts[-1]
    position = next(index for index, count in enumerate(counts) if count >= rank and count > 0)
    if math.isinf(bounds[position]):
        return bounds[position - 1]
    lower, fewer = (bounds[position - 1], counts[position - 1]) if position else (0.0, 0.0)
    return lower + (bounds[position] - lower) * (rank - fewer) / (counts[position] - fewer)
