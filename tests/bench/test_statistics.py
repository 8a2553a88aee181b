import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.bench.statistics import check_enough, due_seconds, latency_milliseconds
from stream.errors import BenchError

SECONDS = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=200)


@given(SECONDS)
def test_a_percentile_is_a_measured_latency_with_the_stated_rank(seconds: list[float]) -> None:
    found = latency_milliseconds(seconds)
    assert found
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        assert np.isclose(found[name], 1000 * np.array(seconds), atol=6e-4).any()
        assert np.mean(1000 * np.array(seconds) <= found[name] + 6e-4) >= share - 1e-9


def test_percentiles_equal_those_of_numpy() -> None:
    seconds = np.arange(101) / 1000
    expected = np.percentile(1000 * seconds, (50, 90, 99))
    assert latency_milliseconds(seconds) == dict(zip(("p50", "p90", "p99"), expected.tolist(), strict=True))


def test_no_latencies_have_no_percentiles() -> None:
    assert latency_milliseconds([]) is None


def test_even_arrivals_have_equal_intervals() -> None:
    assert due_seconds(4, 2.0, "even").tolist() == [0.0, 0.5, 1.0, 1.5]


def test_poisson_arrivals_have_the_rate_and_are_deterministic() -> None:
    due = due_seconds(20_000, 50.0)
    gaps = np.diff(due)
    assert due[-1] == pytest.approx(400, rel=0.03)
    assert gaps.std() == pytest.approx(gaps.mean(), rel=0.03)  # as of an exponential distribution
    assert np.array_equal(due, due_seconds(20_000, 50.0))


def test_a_shorter_time_than_mlperfs_rule_needs_quick() -> None:
    with pytest.raises(BenchError, match=r"at least 1024 queries and 60 s .* --quick"):
        check_enough(5.0, quick=False)
    check_enough(5.0, quick=True)
    check_enough(60.0, quick=False)
