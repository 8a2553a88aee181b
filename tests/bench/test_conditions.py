"""Warnings about the state of the measured machine."""

from dataclasses import replace

import psutil
import pytest

from stream.bench.conditions import Conditions, Meanwhile, conditions

CORES = psutil.cpu_count() or 1
CALM = Conditions(
    at=0.0,
    load1=0.0,
    work_seconds=100.0,
    steal_seconds=0.0,
    own_seconds=10.0,
    megahertz=1500.0,
    most_megahertz=1500.0,
    celsius=50.0,
    throttled=0,
)
AFTER_100_SECONDS = replace(CALM, at=100.0, work_seconds=150.0, own_seconds=60.0)


def warnings(before: Conditions = CALM, after: Conditions = AFTER_100_SECONDS) -> str:
    return "\n".join(Meanwhile(before, after).warnings())


def test_an_idle_machine_has_no_warnings() -> None:
    assert warnings() == ""


def test_unknown_conditions_have_no_warnings() -> None:
    silent = {"megahertz": None, "most_megahertz": None, "celsius": None, "throttled": None}
    assert warnings(replace(CALM, **silent), replace(AFTER_100_SECONDS, **silent)) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"throttled": 0b1}, "throttled (under voltage)"),
        ({"throttled": 0b100 << 16}, "throttled (throttled)"),
        ({"celsius": 81.2}, "hot (81 °C)"),
        ({"megahertz": 600.0}, "600 MHz of 1500"),
        ({"work_seconds": 150.0 + 20.0 * CORES}, "other processes used 20% of the cores"),
        ({"steal_seconds": 3.0 * CORES}, "gave 3.0% of the cores away"),
    ],
)
def test_a_bad_condition_is_a_warning(after: dict[str, float], expected: str) -> None:
    assert expected in warnings(after=replace(AFTER_100_SECONDS, **after))  # type: ignore[arg-type]


def test_throttling_before_the_measurement_is_no_warning() -> None:
    long_ago = 0b101 << 16
    assert warnings(replace(CALM, throttled=long_ago), replace(AFTER_100_SECONDS, throttled=long_ago)) == ""


def test_a_busy_machine_before_the_start_is_a_warning() -> None:
    assert "busy before the start (load average 64.00)" in warnings(replace(CALM, load1=64.0))


def test_our_own_cpu_time_is_not_that_of_others() -> None:
    used = 50.0 * CORES
    busy = replace(AFTER_100_SECONDS, work_seconds=CALM.work_seconds + used, own_seconds=CALM.own_seconds + used)
    assert warnings(after=busy) == ""


def test_the_conditions_of_this_machine_can_be_read() -> None:
    found = Meanwhile(conditions(), conditions()).as_json()
    assert found["before"]["work_seconds"] > 0
    assert found["others_ratio"] >= 0
