"""The scores of the mutation tests by module."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.mutation.records import FOUND_BY_TYPES, SURVIVED, UNCOVERED, modules
from tests.tables import markdown_table


class Score(NamedTuple):
    """The changes of one module."""

    module: str
    changes: int
    run: int
    detected_by_tests: int
    detected_by_types: int
    survived: int


def scores(folder: Path) -> Iterator[Score]:
    """Yield the score of each module that has changes."""
    for module in modules(folder):
        codes = list(module.codes.values())
        run = len(codes) - codes.count(None)
        by_types = codes.count(FOUND_BY_TYPES)
        survived = codes.count(SURVIVED) + codes.count(UNCOVERED)
        name = module.path.relative_to(folder).as_posix()
        yield Score(name, len(codes), run, run - by_types - survived, by_types, survived)


def table(found: Sequence[Score]) -> str:
    """Return the scores, and their sum, as a table in Markdown."""
    columns = ("Module", "Changes", "Run", "Detected by tests", "Detected by mypy", "Survived")
    total = [str(sum(numbers)) for numbers in zip(*(one[1:] for one in found), strict=True)]
    return markdown_table(columns, [*((f"`{one.module}`", *map(str, one[1:])) for one in found), ("all", *total)])
