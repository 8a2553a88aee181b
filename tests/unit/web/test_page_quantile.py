"""Quantiles as the node's page shows them."""

import math
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.web.page.quantile import quantile

BOUNDS = (0.1, 0.2, 0.5, math.inf)
OBSERVED = st.lists(st.integers(0, 1000), min_size=4, max_size=4).map(lambda counts: list(accumulate(counts)))


@pytest.mark.parametrize(
    ("share", "counts", "expected"),
    [
        (0.99, (50, 100, 100, 100), 0.198),
        (0.5, (50, 100, 100, 100), 0.1),
        (0.5, (100, 100, 100, 100), 0.05),
        (0.5, (0, 0, 10, 10), 0.35),
        (0.99, (50, 50, 50, 100), 0.5),
        (0.0, (0, 10, 10, 10), 0.1),
    ],
)
def test_a_quantile_is_where_prometheus_would_put_it(share: float, counts: tuple[float, ...], expected: float) -> None:
    assert quantile(share, BOUNDS, counts) == pytest.approx(expected)


@pytest.mark.parametrize("counts", [(), (0, 0, 0, 0)])
def test_without_observations_there_is_no_quantile(counts: tuple[float, ...]) -> None:
    assert quantile(0.5, BOUNDS, counts) is None


@given(counts=OBSERVED, shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_higher_quantile_is_never_lower_and_none_is_beyond_the_bounds(
    counts: list[int], shares: tuple[float, float]
) -> None:
    low, high = (quantile(share, BOUNDS, counts) for share in sorted(shares))
    if counts[-1]:
        assert low is not None
        assert high is not None
        assert 0 <= low <= high <= 0.5
