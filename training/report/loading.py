"""Reads the results of any number of devices; what cannot be read is told, and left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from stream.errors import InputError
from stream.experiment.results import CELLS_FOLDER, CellResult, read_cell


@dataclass
class Loaded:
    """The runs, and why others are not among them."""

    results: list[CellResult] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def load_results(paths: Iterable[Path]) -> Loaded:
    """Read results.

    Args:
        paths: Folders that `starling experiment` filled, or single files of theirs.

    Raises:
        InputError: A path is not there, or holds no results at all.
    """
    loaded, seen = Loaded(), set()
    for path in paths:
        for file in _files(path):
            try:
                result = read_cell(file)
            except InputError as error:
                loaded.left_out.append(str(error))
                continue
            identity = (result.device.node, result.cell, result.started_at)
            if identity in seen:
                loaded.left_out.append(f"{file}: the same run as one before")
                continue
            seen.add(identity)
            loaded.results.append(result)
    return loaded


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    files = sorted((path / CELLS_FOLDER).glob("*.json"))
    if not files:
        raise InputError(f"{path} holds no results: name a folder that `starling experiment` filled")
    yield from files
