import math

import pytest

from stream.experiment.energy import Meter, energy_over
from stream.experiment.results import Power, Span
from stream.settings import PowerSettings


def power(*watts: float, noise: float | None = 0.0) -> Power:
    """A reading of a second each, the first of which ends at 1."""
    count = len(watts)
    zeros: list[float | None] = [0.0] * count
    return Power(
        source="meter",
        end_seconds=[float(number) for number in range(1, count + 1)],
        seconds=[1.0] * count,
        gap_seconds=[0.0] * count,
        watts=list(watts),
        noise_watts=[noise] * count,
        offset_watts=zeros,
        scale_watts=zeros,
    )


def test_readings_within_a_stretch_add_up() -> None:
    energy = energy_over(power(1, 2, 4, 8), Span(start_seconds=1, end_seconds=3))
    assert energy.joules.value == 6
    assert energy.measured_seconds == 2


def test_of_a_reading_over_the_edge_the_part_within_counts() -> None:
    energy = energy_over(power(1, 2, 4), Span(start_seconds=0.75, end_seconds=2.5))
    assert energy.joules.value == pytest.approx(0.25 * 1 + 2 + 0.5 * 4)


def test_time_without_readings_is_not_measured() -> None:
    assert energy_over(power(1, 2), Span(start_seconds=1, end_seconds=9)).measured_seconds == 1


def test_a_reading_that_came_late_leaves_no_hole() -> None:
    late = power(1, 1, 1).model_copy(update={"end_seconds": [1.0, 2.25, 3.0]})
    assert energy_over(late, Span(start_seconds=0, end_seconds=3)).measured_seconds == 3


def test_a_gap_that_the_meter_tells_of_is_a_hole() -> None:
    cut = power(1, 1, 1).model_copy(update={"end_seconds": [1.0, 6.0, 7.0], "gap_seconds": [0.0, 4.0, 0.0]})
    assert energy_over(cut, Span(start_seconds=0, end_seconds=7)).measured_seconds == 3


def test_an_error_that_nobody_states_stays_unknown() -> None:
    energy = energy_over(power(1, noise=None), Span(start_seconds=0, end_seconds=1))
    assert math.isnan(energy.joules.standard_error)


async def test_with_nothing_to_measure_there_is_no_power() -> None:
    meter = Meter(PowerSettings(source="none"))
    await meter.run()
    assert meter.take() is None
