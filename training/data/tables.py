"""Reader for tables of labelled tweets: JSON lines, or CSV and TSV with a header."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from stream.errors import InputError
from stream.tweets.decoding import find_fields
from stream.tweets.lines import read_lines
from stream.tweets.polarity import Polarity
from stream.tweets.reader import FileOptions, read_records
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.source import Source
from stream.tweets.tables import read_rows
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
    source = Source(str(path), io.BytesIO(read_utf8(path).encode()))
    rows = _json_rows(source) if kind == "jsonl" else _table_rows(source, "," if kind == "csv" else "\t")
    tweets = [_tweet(row, path, line, columns) for line, row in rows]
    if not tweets:
        raise InputError(f"{path} has a header but no tweets")
    return Dataset(tweets, [path])


def _table_rows(source: Source, delimiter: str) -> Iterator[tuple[int, Row]]:
    for row in read_rows(read_lines(source, with_carriage_returns=True), delimiter, source.name):
        if row and row.fields is None:
            raise InputError(f"{source.name}, line {row.line} {row.detail}")
        if row and row.fields is not None:
            yield row.line, row.fields


def _json_rows(source: Source) -> Iterator[tuple[int, Row]]:
    for record in read_records(source, FileOptions("json")):
        if record and record.content:
            where = f"{source.name}, line {record.number}"
            yield record.number, _json_row(record.content, where)


def _json_row(content: bytes | RejectedTweetError, where: str) -> Row:
    if isinstance(content, RejectedTweetError):
        raise InputError(f"{where}: {content.detail}")
    try:
        row = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{where} is not JSON: {error.msg}") from error
    if not isinstance(row, dict):
        raise InputError(f"{where} is not a JSON object")
    return row | _fields(row, where)


def _fields(row: Row, where: str) -> dict[str, object]:
    """Return text and id of a row with the shape of an API, and what labels it inside the API's wrapper."""
    try:
        fields = find_fields(row)
    except RejectedTweetError as error:
        raise InputError(f"{where}: {error.detail}") from error
    data = row.get("data")
    found = {**data} if isinstance(data, dict) else {}
    if isinstance(fields.text, str):
        found["text"] = fields.text
    if isinstance(fields.id, str | int):
        found["id"] = str(fields.id)
    return found


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
