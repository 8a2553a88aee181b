"""Instructions per tweet on emulated ARM processors beside the times of a report, from `make arm-instructions`."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from stream.errors import InputError
from training.report.document import Table
from training.report.quantities import Quantity
from training.report.rows import Row
from training.report.tables import UNKNOWN, precision_name, rounded

_MILLION = 1e6


class Count(BaseModel):
    """Instructions of an inference of one bundle on one processor."""

    model_config = ConfigDict(frozen=True)

    bundle: str
    """A model's name in the plan, or its name, a hyphen and its precision."""
    cpu: str
    tokens: float
    """Mean length of the tweets."""
    by_kind: dict[str, int]
    """Instructions per tweet."""


_COUNTS = TypeAdapter(list[Count])


def read_instructions(path: Path) -> list[Count]:
    """Read counts in the form of docs/arm/instructions.json.

    Raises:
        InputError: The file cannot be read or has another form.
    """
    try:
        return _COUNTS.validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path}: {where}: {first['msg']}; `make arm-instructions` writes such a file") from error


def table_of_instructions(counts: Sequence[Count], rows: Sequence[Row]) -> Table:
    """Show instructions per tweet, and beside them the time of the same model on the devices of the report."""
    body = [line for count in counts for line in _lines(count, rows)]
    head = ("Model", "Emulated processor", "Instructions (millions)", "Tokens", "Device", "Time per tweet (ms)")
    notes = (
        (
            "Counted under emulation, inference alone: instructions, not time. Memory and caches of a board do not "
            "show in them."
        ),
        "The time is of the device named, with cleaning and tokenising, on tweets of another length.",
    )
    return Table("Instructions per tweet on ARM, beside times", head, tuple(body), notes, columns_of_words=2)


def _lines(count: Count, rows: Sequence[Row]) -> list[tuple[str, ...]]:
    names = count.bundle, count.cpu
    numbers = f"{sum(count.by_kind.values()) / _MILLION:.1f}", f"{count.tokens:.1f}"
    found = [row for row in rows if count.bundle in {row.model, f"{row.model}-{row.precision}"}]
    times = [(f"{row.device}, {precision_name(row.precision)}", _time(row)) for row in found]
    return [(*names, *numbers, *time) for time in times or [(UNKNOWN, UNKNOWN)]]


def _time(row: Row) -> str:
    manner, mean = Quantity.SECONDS_PER_TWEET.manner, row.mean(Quantity.SECONDS_PER_TWEET)
    return UNKNOWN if mean is None else rounded(mean * manner.scale, manner.digits)
