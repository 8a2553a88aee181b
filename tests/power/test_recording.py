"""Recording of readings to a file."""

import csv
import math
from pathlib import Path

import pytest

from stream.errors import InputError
from stream.power.energy import Energy
from stream.power.reading import Estimate, Reading
from stream.power.recording import COLUMNS, open_recording, row
from tests.power.examples import reading, sample

METERED = Reading(
    0.2,
    Estimate(5.0, noise=0.3, offset=0.4),
    Estimate(5.0),
    Estimate(1.0, noise=0.1),
    gap_seconds=1.5,
    sample=sample(9),
)


def energy() -> Energy:
    account = Energy()
    account.add(METERED)
    return account


def test_a_row_has_values_errors_and_the_meters_sums() -> None:
    written = row(METERED, energy(), "acs712")
    assert tuple(written) == COLUMNS
    assert written["watts"] == 5.0
    assert written["watts_standard_error"] == pytest.approx(0.5)
    assert written["joules_total"] == pytest.approx(1.0)
    assert (written["gap_seconds"], written["source"], written["sequence"]) == (1.5, "acs712", 9)
    assert written["code_sum"] == sample(9).code_sum


def test_unknown_values_are_empty() -> None:
    written = row(Reading(1.0, Estimate(3.0, math.nan)), energy(), "rapl")
    assert (written["watts"], written["watts_standard_error"]) == (3.0, None)
    assert (written["amperes"], written["volts"], written["n"]) == (None, None, None)


def test_csv_can_be_read_back(tmp_path: Path) -> None:
    with open_recording(tmp_path / "watts.csv") as write:
        write(row(METERED, energy(), "acs712"))
        write(row(reading(2.0), energy(), "rapl"))
    with (tmp_path / "watts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(written["watts"]) for written in rows] == [5.0, 2.0]
    assert (rows[0]["sequence"], rows[1]["sequence"]) == ("9", "")


def test_each_csv_row_is_written_immediately(tmp_path: Path) -> None:
    with open_recording(tmp_path / "watts.csv") as write:
        write(row(METERED, energy(), "acs712"))
        assert len((tmp_path / "watts.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_parquet_can_be_read_back(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install pyarrow")
    with open_recording(tmp_path / "watts.parquet") as write:
        for _ in range(301):  # one group and the beginning of the next
            write(row(METERED, energy(), "acs712"))
    table = parquet.read_table(tmp_path / "watts.parquet")
    assert table.num_rows == 301
    assert table.to_pylist()[300]["watts"] == 5.0


def test_another_suffix_is_refused() -> None:
    with pytest.raises(InputError, match=r"\.csv or \.parquet"):
        open_recording(Path("watts.txt"))


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"), open_recording(tmp_path / "missing" / "watts.csv"):
        pass
