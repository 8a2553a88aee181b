"""Energy: sums over time, gaps, propagation of errors."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.power.clock import MeterClock
from stream.power.current import CONVERSION_SECONDS
from stream.power.energy import Energy
from stream.power.reading import Estimate, Reading
from tests.power.examples import PERIOD, PERIOD_SECONDS, reading


def energy(*readings: Reading) -> Energy:
    account = Energy()
    for one in readings:
        account.add(one)
    return account


def test_energy_is_power_times_time() -> None:
    assert energy(reading(2.0, 3.0), reading(4.0, 0.5)).joules.value == 8.0


def test_a_gap_does_not_count_as_zero_power() -> None:
    account = energy(reading(2.0), reading(2.0, gap_seconds=10.0))
    assert (account.measured_seconds, account.gap_seconds) == (2.0, 10.0)
    assert account.watts is not None
    assert account.watts.value == 2.0


def test_mean_power_is_unknown_before_the_first_reading() -> None:
    assert Energy().watts is None


@given(st.integers(1, 200))
def test_noise_averages_out_and_systematic_errors_do_not(count: int) -> None:
    each = Reading(1.0, Estimate(5.0, noise=0.1, offset=0.2, scale=0.3))
    joules = energy(*[each] * count).joules
    assert joules.noise == pytest.approx(0.1 * math.sqrt(count))
    assert joules.offset == pytest.approx(0.2 * count)
    assert joules.scale == pytest.approx(0.3 * count)


def test_a_source_without_a_stated_error_has_none() -> None:
    joules = energy(Reading(1.0, Estimate(5.0, math.nan, math.nan, math.nan))).joules
    assert joules.value == 5.0
    assert math.isnan(joules.standard_error)


def test_power_combines_the_errors_of_current_and_voltage() -> None:
    watts = Estimate(2.0, noise=0.1, offset=0.2, scale=0.02).times(Estimate(5.0, scale=0.05))
    assert watts.value == 10.0
    assert watts.noise == pytest.approx(0.5)
    assert watts.offset == pytest.approx(1.0)
    assert watts.scale == pytest.approx(math.hypot(0.02 * 5, 2 * 0.05))


def test_a_slow_resonator_is_corrected_to_real_time() -> None:
    clock, slow = MeterClock(), 1.005
    clock.seconds(PERIOD, 0.0)
    for window in range(1, 2000):
        last = clock.seconds(PERIOD, window * PERIOD_SECONDS * slow)
    assert last == pytest.approx(PERIOD_SECONDS * slow, rel=1e-4)


def test_occasional_late_lines_do_not_change_the_clock_ratio() -> None:
    clock = MeterClock()
    clock.seconds(PERIOD, 0.0)
    for window in range(1, 2000):
        late = 0.1 if window % 7 == 0 else 0.0
        last = clock.seconds(PERIOD, window * PERIOD_SECONDS + late)
    assert last == pytest.approx(PERIOD_SECONDS, rel=1e-3)


def test_a_suspended_machine_does_not_change_the_clock_ratio() -> None:
    clock = MeterClock()
    clock.seconds(PERIOD, 0.0)
    for window in range(1, 2000):
        last = clock.seconds(PERIOD, window * PERIOD_SECONDS + 3600)
    assert last == PERIOD * CONVERSION_SECONDS
