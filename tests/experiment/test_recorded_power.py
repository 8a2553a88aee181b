"""Readings of another computer in the results of a run."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stream.errors import InputError
from stream.experiment.recorded_power import Clock, with_recorded_power
from stream.experiment.results import CellResult, ClockPair
from stream.experiment.summary import summarise
from stream.power.energy import Energy
from stream.power.reading import Estimate, Reading
from stream.power.recorded import RecordedReading, read_recording
from stream.power.recording import open_recording, row
from tests.report.invented import STARTED_AT, invented_result

UNIX_SECONDS = 1_777_636_800.0
EXACT = Clock(0.0, 0.0)
HEAD = "unix_seconds,source,seconds,gap_seconds,watts,watts_standard_error\n"


def recorded(*watts: float, start: float = UNIX_SECONDS) -> list[RecordedReading]:
    """Readings of one second each."""
    return [
        RecordedReading(start + number, "acs712", 1.0, 0.0, Estimate(each, 0.0, 0.0, 0.0))
        for number, each in enumerate(watts, start=1)
    ]


def run_with_clocks(*offsets: float) -> CellResult:
    """A run from 0 to 14 s on the monotonic clock, and UNIX_SECONDS later on the other; 2 to 12 s are labelling."""
    pairs = [ClockPair(unix_seconds=UNIX_SECONDS + offset, monotonic_seconds=0.0) for offset in offsets or (0.0,)]
    return invented_result(watts=None, clocks=pairs)


def test_readings_are_moved_to_the_clock_of_the_device() -> None:
    ahead = recorded(*[2.0] * 2, *[5.0] * 10, *[2.0] * 2, start=UNIX_SECONDS + 30)
    summary = summarise(with_recorded_power(run_with_clocks(), ahead, Clock(30.0, 0.0)))
    assert summary.during.watts == Estimate(5.0)
    assert summary.idle_watts == Estimate(2.0)
    assert summary.measured_seconds == 10


def test_the_error_of_the_clock_is_part_of_the_error_of_the_energy() -> None:
    readings = recorded(*[2.0] * 2, *[5.0] * 10, *[2.0] * 2)
    summary = summarise(with_recorded_power(run_with_clocks(), readings, Clock(0.0, 0.5)))
    assert summary.during.watts is not None
    assert summary.during.watts.standard_error == pytest.approx(3 * 0.5 / 10)


def test_a_clock_that_was_set_during_the_run_adds_to_the_error() -> None:
    changed = with_recorded_power(run_with_clocks(0.0, 0.6), recorded(*[3.0] * 14), Clock(0.0, 0.4))
    assert changed.power is not None
    assert changed.power.clock_error_seconds == pytest.approx(math.hypot(0.4, 0.3))


def test_results_without_clocks_take_the_start_of_the_run_with_a_larger_error() -> None:
    start = STARTED_AT.timestamp()
    changed = with_recorded_power(invented_result(watts=None), recorded(*[3.0] * 14, start=start), EXACT)
    assert changed.power is not None
    assert changed.power.clock_error_seconds == 1.0
    assert changed.power.end_seconds[0] == pytest.approx(1.0)


def test_a_run_outside_the_recording_is_unchanged() -> None:
    result = run_with_clocks()
    assert with_recorded_power(result, recorded(5.0, start=UNIX_SECONDS + 3600), EXACT) is result


def test_a_run_with_its_own_readings_keeps_them() -> None:
    result = invented_result()
    assert with_recorded_power(result, recorded(9.0), EXACT) is result


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_recording_is_read_as_it_was_written(tmp_path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install pyarrow")
    path = tmp_path / f"watts{suffix}"
    before = datetime.now(UTC).timestamp()
    with open_recording(path) as write:
        write(row(Reading(0.5, Estimate(4.0, 0.1, 0.2, 0.3), gap_seconds=1.5), Energy(), "acs712"))
        write(row(Reading(0.5, Estimate(4.0, math.nan)), Energy(), "rapl"))
    first, second = read_recording(path)
    assert first.unix_seconds == pytest.approx(before, abs=60)
    assert (first.source, first.seconds, first.gap_seconds) == ("acs712", 0.5, 1.5)
    assert first.watts == Estimate(4.0, 0.1, 0.2, 0.3)
    assert math.isnan(second.watts.standard_error)


def test_the_single_error_of_an_older_recording_does_not_average_out(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text(HEAD + "1000.5,acs712,0.2,0,3.5,0.6\n")
    (reading,) = read_recording(path)
    assert reading.watts == Estimate(3.5, 0.0, 0.0, 0.6)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,b\n1,2\n", "has no column gap_seconds, seconds, source"),
        ("", "has no column"),
        (HEAD, "holds no readings"),
        (
            HEAD + "1,acs712,0.2\n",
            "reading 1 is incomplete",
        ),
        (
            HEAD + "1,x,y,0,1,1\n",
            "reading 1 .* not a number",
        ),
    ],
)
def test_a_file_that_is_not_a_recording_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "watts.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=says):
        read_recording(path)


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_recording(tmp_path / "watts.csv")
