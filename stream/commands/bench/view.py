"""Common parts of the `starling bench` commands: parsing lists, showing progress and the result."""

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
    """Parse a list such as `1,2,4`.

    Raises:
        BenchError: It is not a list of numbers, or a number is too small.
    """
    try:
        found = [int(word) for word in words.split(",") if word.strip()]
    except ValueError as error:
        raise BenchError(f"{option} {words}: give whole numbers separated by commas, for instance 1,2,4") from error
    if any(count < least for count in found):
        raise BenchError(f"{option} {words}: the smallest allowed value is {least}")
    return found


def core_counts(words: str) -> list[int]:
    """Parse the numbers of cores to measure; empty: 1, 2, 4 and so on up to all cores; `0`: none.

    Raises:
        BenchError: A number is larger than the number of cores.
    """
    available = available_cores()
    given = counts("--cores", words, least=0)
    if max(given, default=0) > available:
        raise BenchError(f"--cores {words}: this process may use only {available} cores")
    if not given:
        return [2**power for power in range(available.bit_length()) if 2**power <= available]
    return [count for count in given if count]


def chosen(given: Value | None, *, quick: bool, default: Value, quick_default: Value) -> Value:
    """Return the given value, else the default, which differs for a quick run."""
    if given is not None:
        return given
    return quick_default if quick else default


def energy_settings() -> PowerSettings:
    """Return the user's power settings."""
    return load_settings().power


def shown(measure: Callable[[Callable[[str], None]], Result], *, as_json: bool) -> None:
    """Measure, show the present step on stderr, and print the result."""
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
