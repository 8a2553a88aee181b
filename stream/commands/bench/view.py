"""What the `starling bench` commands share: reading lists, showing progress and the result."""

from collections.abc import Callable
from typing import TypeVar

import orjson
import typer
from rich.console import Console

from stream.bench.result import Result
from stream.bench.tables import table
from stream.errors import BenchError
from stream.model.loading import available_cores
from stream.settings import PowerSettings, load_settings

_NARROWEST_TABLE = 140

Value = TypeVar("Value", int, float)


def counts(option: str, words: str, *, least: int = 1) -> list[int]:
    """Read a list such as `1,2,4`.

    Raises:
        BenchError: It is none.
    """
    try:
        found = [int(word) for word in words.split(",") if word.strip()]
    except ValueError as error:
        raise BenchError(f"{option} {words}: give whole numbers with commas between, as in 1,2,4") from error
    if any(count < least for count in found):
        raise BenchError(f"{option} {words}: {least} is the least there can be")
    return found


def core_counts(words: str) -> list[int]:
    """Read how many cores to try; without a word on it, one, two, four and so on, as there are; `0` means none.

    Raises:
        BenchError: There are not so many.
    """
    available = available_cores()
    asked = counts("--cores", words, least=0)
    if max(asked, default=0) > available:
        raise BenchError(f"--cores {words}: this process may use {available}")
    if not asked:
        return [2**power for power in range(available.bit_length()) if 2**power <= available]
    return [count for count in asked if count]


def chosen(given: Value | None, *, quick: bool, usual: Value, looking: Value) -> Value:
    """What was given, or else what is usual, or usual for a look."""
    if given is not None:
        return given
    return looking if quick else usual


def energy_settings() -> PowerSettings:
    """What the user's settings say of power."""
    return load_settings().power


def shown(measure: Callable[[Callable[[str], None]], Result], *, as_json: bool) -> None:
    """Measure, with the present step on stderr, and prints the result."""
    console = Console(stderr=True)
    with console.status("starting") as status:
        result = measure(status.update).as_json()
    if as_json:
        typer.echo(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
        return
    out = Console()
    if not out.is_terminal:
        out = Console(width=_NARROWEST_TABLE)
    out.print(table(result))
