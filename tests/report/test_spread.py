import math

import pytest

from stream.power.reading import Estimate
from training.report.spread import Spread, spread, student_t, wilson_interval


def metered(*values: float, noise: float = 0.0, offset: float = 0.0, scale: float = 0.0) -> Spread:
    return Spread(values, tuple(Estimate(value, noise, offset, scale) for value in values))


def test_the_interval_of_wilson_is_that_of_the_literature() -> None:
    low, high = wilson_interval(81, 263)  # Newcombe (1998), table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (4, 2.776), (4.9, 2.776), (30, 2.042), (60, 2.0), (math.inf, 1.96)]
)
def test_students_t_is_that_of_the_tables_with_degrees_of_freedom_rounded_down(freedom: float, quantile: float) -> None:
    assert student_t(freedom) == pytest.approx(quantile, abs=0.001)


def test_the_offset_of_a_meter_does_not_average_out_over_runs() -> None:
    """Five runs whose spread is 0.05 W on a meter with an offset of 0.63 W."""
    uncertainty = metered(2.95, 2.95, 3.0, 3.05, 3.05, offset=0.63).uncertainty
    assert uncertainty is not None
    assert uncertainty.runs == pytest.approx(0.05 / math.sqrt(5))
    assert uncertainty.combined == pytest.approx(0.63, abs=0.001)


def test_the_parts_of_an_uncertainty_are_added_in_quadrature() -> None:
    uncertainty = metered(1.0, 3.0, offset=2.0, scale=2.0).uncertainty
    assert uncertainty is not None
    assert uncertainty.runs == pytest.approx(1.0)
    assert uncertainty.combined == pytest.approx(3.0)


def test_the_noise_of_a_meter_counts_in_a_single_run_and_is_part_of_the_spread_of_several() -> None:
    single, several = metered(3.0, noise=0.4).uncertainty, metered(3.0, 3.0, noise=0.4).uncertainty
    assert single is not None
    assert several is not None
    assert (single.runs, several.runs) == (0.4, 0.0)


def test_the_coverage_factor_is_that_of_student_if_the_runs_dominate() -> None:
    uncertainty = metered(1.0, 2.0, 3.0, 4.0, 5.0).uncertainty
    assert uncertainty is not None
    assert uncertainty.coverage_factor == pytest.approx(2.776)
    assert uncertainty.expanded == pytest.approx(2.776 * uncertainty.combined)


def test_the_coverage_factor_is_that_of_a_normal_distribution_if_the_meter_dominates() -> None:
    uncertainty = metered(2.95, 3.0, 3.05, offset=0.63).uncertainty
    assert uncertainty is not None
    assert uncertainty.coverage_factor == pytest.approx(1.96, abs=0.01)


def test_a_source_that_states_no_error_leaves_the_spread_alone() -> None:
    uncertainty = metered(1.0, 3.0, noise=math.nan).uncertainty
    assert uncertainty is not None
    assert not uncertainty.meter_is_stated
    assert uncertainty.combined == pytest.approx(1.0)


def test_a_single_value_without_a_stated_error_has_no_uncertainty() -> None:
    assert Spread((1.0,)).uncertainty is None
    assert metered(1.0, noise=math.nan).uncertainty is None


def test_unknown_values_are_left_out() -> None:
    assert spread([None, math.nan, 2.0]) == Spread((2.0,))
    assert spread([None, math.nan]) is None
