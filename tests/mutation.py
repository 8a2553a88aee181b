"""The scores of the mutation tests by module, from the files that mutmut leaves: `make mutation`."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.tables import markdown_table

_FOLDER = Path("mutants/stream")
_UNCOVERED = 33
"""mutmut's exit code of a mutant that no test runs; 0: survived; null: not run yet; any other: detected."""


class Score(NamedTuple):
    """The mutants of one module."""

    module: str
    mutants: int
    detected: int
    survived: int
    not_run: int


def scores(folder: Path) -> Iterator[Score]:
    """Yield the score of each module that has mutants."""
    for file in sorted(folder.rglob("*.py.meta")):
        codes: list[int | None] = list(json.loads(file.read_text())["exit_code_by_key"].values())
        survived = sum(code in (0, _UNCOVERED) for code in codes)
        not_run = codes.count(None)
        if codes:
            module = file.relative_to(folder).with_suffix("").as_posix()
            yield Score(module, len(codes), len(codes) - survived - not_run, survived, not_run)


def table(found: Sequence[Score]) -> str:
    """Return the scores as a table in Markdown."""
    columns = ("Module", "Mutants", "Detected", "Survived", "Not run")
    return markdown_table(columns, [(f"`{one.module}`", *map(str, one[1:])) for one in found])


if __name__ == "__main__":
    print(table(list(scores(_FOLDER))))  # noqa: T201  (the program's output)
