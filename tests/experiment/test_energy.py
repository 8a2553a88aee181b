import math
from collections.abc import AsyncGenerator

import pytest

from stream.experiment.energy import Meter, above_idle_watts, energy_over, idle_watts, watts_over
from stream.experiment.results import Phases, Power, Span
from stream.power.reading import Estimate, Reading
from stream.settings import PowerSettings


def power(
    *watts: float, noise: float | None = 0.0, offset: float = 0.0, relative: float = 0.0, clock_error: float = 0.0
) -> Power:
    """Readings of one second each; the first ends at 1."""
    count = len(watts)
    return Power(
        source="meter",
        end_seconds=[float(number) for number in range(1, count + 1)],
        seconds=[1.0] * count,
        gap_seconds=[0.0] * count,
        watts=list(watts),
        noise_watts=[noise] * count,
        offset_watts=[offset] * count,
        scale_watts=[relative * each for each in watts],
        clock_error_seconds=clock_error,
    )


def test_readings_within_an_interval_are_added() -> None:
    energy = energy_over(power(1, 2, 4, 8), Span(start_seconds=1, end_seconds=3))
    assert energy.joules.value == 6
    assert energy.measured_seconds == 2


def test_a_reading_across_the_border_counts_in_proportion() -> None:
    energy = energy_over(power(1, 2, 4), Span(start_seconds=0.75, end_seconds=2.5))
    assert energy.joules.value == pytest.approx(0.25 * 1 + 2 + 0.5 * 4)


def test_time_without_readings_is_not_measured() -> None:
    assert energy_over(power(1, 2), Span(start_seconds=1, end_seconds=9)).measured_seconds == 1


def test_a_late_reading_leaves_no_gap() -> None:
    late = power(1, 1, 1).model_copy(update={"end_seconds": [1.0, 2.25, 3.0]})
    assert energy_over(late, Span(start_seconds=0, end_seconds=3)).measured_seconds == 3


def test_a_gap_reported_by_the_meter_is_not_measured() -> None:
    cut = power(1, 1, 1).model_copy(update={"end_seconds": [1.0, 6.0, 7.0], "gap_seconds": [0.0, 4.0, 0.0]})
    assert energy_over(cut, Span(start_seconds=0, end_seconds=7)).measured_seconds == 3


def test_an_error_that_the_source_does_not_state_stays_unknown() -> None:
    energy = energy_over(power(1, noise=None), Span(start_seconds=0, end_seconds=1))
    assert math.isnan(energy.joules.standard_error)


async def test_there_is_no_power_without_a_source() -> None:
    meter = Meter(PowerSettings(source="none"))
    await meter.run()
    assert meter.take() is None


PHASES = Phases(
    before=Span(start_seconds=0, end_seconds=2),
    during=Span(start_seconds=2, end_seconds=4),
    after=Span(start_seconds=4, end_seconds=6),
)


def test_idle_power_is_the_mean_of_before_and_after() -> None:
    idle = idle_watts(power(2, 2, 5, 5, 2, 2), PHASES)
    assert idle is not None
    assert idle.value == 2
    assert idle.noise == 0


def test_a_difference_of_the_idle_power_before_and_after_is_part_of_its_error() -> None:
    idle = idle_watts(power(2, 2, 5, 5, 3, 3), PHASES)
    assert idle is not None
    assert idle.value == 2.5
    assert idle.noise == pytest.approx(0.5 / math.sqrt(3))


def test_the_offset_of_the_meter_cancels_above_idle_and_its_scale_does_not() -> None:
    measured = power(2, 2, 5, 5, 2, 2, offset=0.6, relative=0.1)
    during, above = watts_over(measured, PHASES.during), above_idle_watts(measured, PHASES)
    assert during is not None
    assert above is not None
    assert during.standard_error == pytest.approx(math.hypot(0.6, 0.5))
    assert above.value == 3
    assert above.standard_error == pytest.approx(0.1 * 3)


def test_an_error_of_the_clock_is_part_of_the_error_of_the_power() -> None:
    moved = watts_over(power(2, 2, 5, 5, 2, 2, clock_error=0.5), PHASES.during)
    assert moved is not None
    assert moved.standard_error == pytest.approx(3 * 0.5 / 2)


def test_an_error_of_the_clock_does_not_cancel_above_idle() -> None:
    above = above_idle_watts(power(2, 2, 5, 5, 2, 2, clock_error=0.5), PHASES)
    assert above is not None
    assert above.standard_error >= 3 * 0.5 / 2


async def test_a_meter_that_reads_at_once_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.experiment.energy.choose_source", lambda _: OneReading())
    meter = Meter(PowerSettings())
    await meter.run()
    assert await meter.answers_within(60)
    assert (taken := meter.take()) is not None
    assert taken.watts == [3.0]


class OneReading:
    """A source with a single reading."""

    name = "one"

    async def readings(self) -> AsyncGenerator[Reading]:
        yield Reading(1.0, Estimate(3.0))
