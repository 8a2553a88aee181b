"""Readings from a file of `starling power record`: CSV or Parquet, from this or from another computer."""

import csv
import importlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream.errors import InputError
from stream.power.reading import Estimate

_NEEDED = ("unix_seconds", "source", "seconds", "gap_seconds", "watts", "watts_standard_error")
_ERRORS = ("watts_noise", "watts_offset", "watts_scale")


@dataclass(frozen=True, slots=True)
class RecordedReading:
    """A reading and the time of its end on the recording computer's clock."""

    unix_seconds: float
    source: str
    seconds: float
    gap_seconds: float
    watts: Estimate


def read_recording(path: Path) -> list[RecordedReading]:
    """Read a recording.

    An older recording has only one column for all errors of a reading. They are then taken as an error of scale, which
    does not average out over time, so that the stated error is at most too large.

    Raises:
        InputError: It cannot be read, is not a recording, or holds no reading; names the line.
    """
    rows = _parquet_rows(path) if path.suffix == ".parquet" else _csv_rows(path)
    readings = [_reading(row, f"{path}, reading {number}") for number, row in enumerate(rows, start=1)]
    if not readings:
        raise InputError(f"{path} holds no readings")
    return readings


def _csv_rows(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            _check_columns(path, reader.fieldnames or ())
            return list(reader)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a recording of `starling power record`: {error}") from error


def _parquet_rows(path: Path) -> list[dict[str, Any]]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise InputError("Parquet needs pyarrow: pip install pyarrow, or record a .csv") from error
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise InputError(f"cannot read {path}: {error}") from error
    _check_columns(path, table.column_names)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _check_columns(path: Path, names: Iterable[str]) -> None:
    if missing := set(_NEEDED) - set(names):
        columns = ", ".join(sorted(missing))
        raise InputError(f"{path} is not a recording of `starling power record`: it has no column {columns}")


def _reading(row: Mapping[str, Any], where: str) -> RecordedReading:
    try:
        return RecordedReading(
            unix_seconds=float(row["unix_seconds"]),
            source=str(row["source"]),
            seconds=float(row["seconds"]),
            gap_seconds=float(row["gap_seconds"]),
            watts=Estimate(float(row["watts"]), *_errors(row)),
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"{where} is incomplete or is not a number: {error}") from error


def _errors(row: Mapping[str, Any]) -> tuple[float, float, float]:
    noise, offset, scale = (_number(row.get(name)) for name in _ERRORS)
    if math.isnan(noise):
        return 0.0, 0.0, _number(row["watts_standard_error"])
    return noise, offset, scale


def _number(value: object) -> float:
    return math.nan if value is None or value == "" else float(str(value))
