"""Reader for tables of labelled tweets: JSON lines, or CSV and TSV with a header."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from stream.errors import InputError
from stream.tweets.polarity import Polarity
from training.data.files import read_utf8
from training.data.formats import Table
from training.data.tweets import Dataset, LabelledTweet, parse_polarity

Row = Mapping[str, object]
_USUAL_NAMES = {
    "text": ("text", "full_text", "tweet"),
    "label": ("label", "polarity", "sentiment"),
    "id": ("id", "id_str", "tweet_id"),
    "entity": ("entity", "entity_id"),
}
_REQUIRED = frozenset({"text", "label"})


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns. None: the first of the usual names that the table has."""

    text: str | None = None
    label: str | None = None
    id: str | None = None
    """Optional; without this column, ids are made from file name and line number."""
    entity: str | None = None
    polarities: Mapping[str, Polarity] = field(default_factory=dict)
    """Meanings of the table's own labels."""


def read_table(path: Path, kind: Table, columns: Columns) -> Dataset:
    """Read a table of labelled tweets.

    Raises:
        InputError: The file cannot be read, lacks a column, or a line has a wrong format; the message says which.
    """
    text = read_utf8(path)
    rows = _json_rows(path, text) if kind == "jsonl" else _delimited_rows(path, text, "," if kind == "csv" else "\t")
    tweets = [_tweet(row, path, line, columns) for line, row in rows]
    if not tweets:
        raise InputError(f"{path} has a header but no tweets")
    return Dataset(tweets, [path])


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InputError(f"{path}, line {number} is not JSON: {error.msg}") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}, line {number} is not a JSON object")
        yield number, row


def _delimited_rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, Row]]:
    # Strict, because otherwise an unclosed quote would silently join all rows up to the next quote.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(reader)
        for fields in reader:
            if not fields:
                continue
            if len(fields) != len(header):
                raise InputError(f"{path}, line {reader.line_num} has {len(fields)} columns, its header {len(header)}")
            yield reader.line_num, dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise InputError(
            f"{path}, line {reader.line_num} cannot be read ({error}): double the quotes within a quoted field"
        ) from error


def _tweet(row: Row, path: Path, line: int, columns: Columns) -> LabelledTweet:
    where = f"{path}, line {line}"
    text = _value(row, "text", columns.text, where)
    label = _value(row, "label", columns.label, where)
    tweet_id = _value(row, "id", columns.id, where)
    return LabelledTweet(
        id=tweet_id or f"{path.name}:{line}",
        polarity=parse_polarity(label, where, columns.polarities),
        text=text,
        entity=_value(row, "entity", columns.entity, where) or None,
        domain=domain if isinstance(domain := row.get("domain"), str) and domain else None,
        timestamp=_timestamp(row.get("timestamp")),
    )


def _timestamp(value: object) -> int | None:
    """Return seconds since 1970; None: the table has no such column, or it has another format, such as a date."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() else None


def _value(row: Row, meaning: str, column: str | None, where: str) -> str:
    names = (column,) if column else _USUAL_NAMES[meaning]
    name = next((name for name in names if name in row), None)
    if name is None:
        if meaning not in _REQUIRED and not column:
            return ""
        raise InputError(
            f"{where} has no column {' or '.join(names)}, only {', '.join(row)}: give the name of the {meaning} column "
            f"with --{meaning}-column"
        )
    value = row[name]
    if isinstance(value, str) or (isinstance(value, int) and meaning != "text"):
        return str(value)
    raise InputError(f"{where}: {name} is {value!r} instead of {'text' if meaning == 'text' else 'text or a number'}")
