"""The index of an experiment: a line of JSON for each run, for whoever wants the numbers without the columns."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import orjson

from stream.errors import InputError
from stream.experiment.results import CELLS_FOLDER, SCHEMA, CellResult, read_cell
from stream.experiment.summary import Summary, summarise
from stream.power.reading import Estimate

INDEX_FILE = "index.jsonl"


def write_index(folder: Path) -> None:
    """Write the index anew from the runs that are there: one that was killed may have left a run out of it.

    Raises:
        InputError: A run's results are of another schema, or the index cannot be written.
    """
    results = [read_cell(path) for path in sorted((folder / CELLS_FOLDER).glob("*.json"))]
    lines = [index_line(result) for result in sorted(results, key=lambda result: result.started_at)]
    try:
        (folder / INDEX_FILE).write_bytes(b"".join(lines))
    except OSError as error:
        raise InputError(f"{folder / INDEX_FILE} cannot be written: {error.strerror}") from error


def append_to_index(folder: Path, result: CellResult) -> None:
    """Add a run."""
    with (folder / INDEX_FILE).open("ab") as file:
        file.write(index_line(result))


def index_line(result: CellResult) -> bytes:
    """Sum up a run in a line."""
    identity: dict[str, Any] = {
        "schema": SCHEMA,
        "cell": result.cell,
        "node": result.device.node,
        "device": result.device.model,
        "model": result.subject.name,
        "precision": result.subject.precision,
        "sha256": result.subject.sha256,
        "seed": result.seed,
        "threads": result.threads,
        "data": result.data.name,
        "started_at": result.started_at,
    }
    return orjson.dumps(identity | summary_json(summarise(result))) + b"\n"


def summary_json(summary: Summary) -> dict[str, Any]:
    """A summary's numbers, null where there is none."""
    return {field.name: _plain(getattr(summary, field.name)) for field in dataclasses.fields(summary)}


def _plain(value: object) -> Any:  # noqa: ANN401  (JSON)
    if isinstance(value, Estimate):
        return {"value": value.value, "standard_error": _plain(value.standard_error)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
