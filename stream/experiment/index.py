"""The index of an experiment: one record per line, for a report or for any other program."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from stream.errors import InputError
from stream.experiment.record import RunRecord, record_of
from stream.experiment.results import CELLS_FOLDER, CellResult, explained, read_cell

INDEX_FILE = "index.jsonl"


def write_index(folder: Path) -> None:
    """Write the index from the runs in the folder; an experiment that was killed may have left a run out of it.

    Raises:
        InputError: A run's schema is not supported, or the index cannot be written.
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
    """Return the record of a run as a line of JSON."""
    return record_of(result).model_dump_json(by_alias=True).encode() + b"\n"


def read_index(path: Path) -> Iterator[RunRecord]:
    """Read the records of an index.

    Raises:
        InputError: It cannot be read, or a line is no record that this version reads.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        try:
            yield RunRecord.model_validate_json(line)
        except ValidationError as error:
            raise InputError(f"{path}, line {number}: {_advice(error)}") from error


def _advice(error: ValidationError) -> str:
    first = next((each for each in error.errors(include_url=False) if each["loc"] == ("schema",)), None)
    if first:
        return f"a record of schema {first['input']!r}; give the folder of results, from which the index is made anew"
    return explained(error)
