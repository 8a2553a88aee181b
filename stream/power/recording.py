"""Readings in a file, CSV or Parquet, with the meter's own sums beside them, so that they can be computed anew."""

import csv
import importlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from stream.errors import InputError
from stream.power.energy import Energy
from stream.power.reading import Estimate, Reading

_ESTIMATES = ("amperes", "volts", "watts", "joules_total")
_SUMS = ("sequence", "n", "code_sum", "square_sum", "supply_millivolts")
COLUMNS = (
    "unix_seconds",
    "source",
    "seconds",
    "gap_seconds",
    *(f"{name}{kind}" for name in _ESTIMATES for kind in ("", "_standard_error")),
    *_SUMS,
)
_ROWS_AT_ONCE = 300
"""Rows that Parquet writes as a group: a minute of readings."""

Row = dict[str, Any]
Write = Callable[[Row], None]


def row(reading: Reading, energy: Energy, source: str) -> Row:
    """What one line of the file says: SI units, standard errors beside the values, None for what is not known.

    Args:
        reading: The reading.
        energy: The account up to its end.
        source: Where it comes from.
    """
    estimates = (reading.amperes, reading.volts, reading.watts, energy.joules)
    values: list[Any] = [round(time.time(), 3), source, reading.seconds, reading.gap_seconds]
    for estimate in estimates:
        values += _value_and_error(estimate)
    values += [getattr(reading.sample, name, None) for name in _SUMS]
    return dict(zip(COLUMNS, values, strict=True))


def _value_and_error(estimate: Estimate | None) -> list[float | None]:
    if estimate is None:
        return [None, None]
    error = estimate.standard_error
    return [estimate.value, None if math.isnan(error) else error]


def open_recording(path: Path) -> AbstractContextManager[Write]:
    """Open the file as long as the context lasts, and give what writes a row to it.

    Args:
        path: .csv or .parquet.

    Raises:
        InputError: It is neither, cannot be written, or pyarrow is missing.
    """
    writers = {".csv": _csv, ".parquet": _parquet}
    if path.suffix not in writers:
        raise InputError(f"{path}: give it a name that ends in .csv or .parquet")
    return writers[path.suffix](path)


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    with file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()

        def write(row: Row) -> None:
            writer.writerow(row)
            file.flush()  # for whoever follows it

        yield write


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise InputError("Parquet needs pyarrow: pip install pyarrow, or record a .csv") from error
    schema = arrow.schema([(name, _arrow_type(arrow, name)) for name in COLUMNS])
    rows: list[Row] = []
    try:
        writer = parquet.ParquetWriter(path, schema)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}") from error

    def write_group() -> None:
        writer.write_table(arrow.Table.from_pylist(rows, schema=schema))
        rows.clear()

    def write(row: Row) -> None:
        rows.append(row)
        if len(rows) >= _ROWS_AT_ONCE:
            write_group()

    with writer:  # closing writes the footer, without which the file cannot be read
        try:
            yield write
        finally:
            write_group()


def _arrow_type(arrow: Any, name: str) -> Any:  # noqa: ANN401  (pyarrow has no types)
    if name == "source":
        return arrow.string()
    return arrow.int64() if name in _SUMS else arrow.float64()
