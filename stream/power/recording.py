"""Recording of readings to CSV or Parquet, with the meter's own sums, so that they can be computed again."""

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
_WATTS_ERRORS = ("watts_noise", "watts_offset", "watts_scale")
"""Parts of the error of watts, which add up differently over time."""
COLUMNS = (
    "unix_seconds",
    "source",
    "seconds",
    "gap_seconds",
    *(f"{name}{kind}" for name in _ESTIMATES for kind in ("", "_standard_error")),
    *_WATTS_ERRORS,
    *_SUMS,
)
_ROWS_AT_ONCE = 300
"""Rows per Parquet row group: a minute of readings."""

Row = dict[str, Any]
Write = Callable[[Row], None]


def row(reading: Reading, energy: Energy, source: str) -> Row:
    """Return a row of the file: values in SI units with standard errors; None if unknown.

    Args:
        reading: The reading.
        energy: The energy up to its end.
        source: Name of the source.
    """
    estimates = (reading.amperes, reading.volts, reading.watts, energy.joules)
    values: list[Any] = [round(time.time(), 3), source, reading.seconds, reading.gap_seconds]
    for estimate in estimates:
        values += _value_and_error(estimate)
    values += [_known(error) for error in (reading.watts.noise, reading.watts.offset, reading.watts.scale)]
    values += [getattr(reading.sample, name, None) for name in _SUMS]
    return dict(zip(COLUMNS, values, strict=True))


def _value_and_error(estimate: Estimate | None) -> list[float | None]:
    if estimate is None:
        return [None, None]
    return [estimate.value, _known(estimate.standard_error)]


def _known(error: float) -> float | None:
    return None if math.isnan(error) else error


def open_recording(path: Path) -> AbstractContextManager[Write]:
    """Open the file while the context is open; the context's value is a function that writes a row.

    Args:
        path: A .csv or .parquet file.

    Raises:
        InputError: The suffix is another, the file cannot be written, or pyarrow is missing.
    """
    writers = {".csv": _csv, ".parquet": _parquet}
    if path.suffix not in writers:
        raise InputError(f"{path}: the name must end in .csv or .parquet")
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
            file.flush()  # for programs that read the file meanwhile

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

    with writer:  # closing writes the footer, which readers need
        try:
            yield write
        finally:
            write_group()


def _arrow_type(arrow: Any, name: str) -> Any:  # noqa: ANN401  (pyarrow has no types)
    if name == "source":
        return arrow.string()
    return arrow.int64() if name in _SUMS else arrow.float64()
