"""The reader of files of tweets, for all commands: finds out the format and yields each tweet as a message.

Formats: JSON lines, a JSON array, JSON objects one after another, pages of the X API, Mastodon's and Bluesky's APIs,
`tweets.js` of Twitter's archive, CSV and TSV with a header, and plain text with one tweet on a line.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from stream.errors import InputError
from stream.tweets.formats import (
    Format,
    archive_name_bytes,
    check_encoding,
    first_line,
    format_of,
    json_format_of,
    read_head,
)
from stream.tweets.json_values import read_values
from stream.tweets.lines import MOST_RECORD_BYTES, Line, Overlong, read_lines, without_byte_order_mark
from stream.tweets.pages import messages_of
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.source import Source
from stream.tweets.tables import USUAL_COLUMNS, Columns, Row, delimiter_of, find_column, read_rows


@dataclass(frozen=True)
class FileOptions:
    """Options for reading a file."""

    format: Format | None = None
    """None: the file's beginning tells."""
    columns: Columns = field(default_factory=Columns)
    id_prefix: str = ""
    """Beginning of the ids of tweets that have none; the number of the line follows."""


@dataclass(frozen=True, slots=True)
class Record:
    """One tweet of a file."""

    number: int
    """Number of the line in files of lines; else of the tweet."""
    content: bytes | RejectedTweetError
    """The message, or the reason why there is none."""
    row: Mapping[str, str] | None = None
    """All fields of a table's row."""


def file_options(
    *, plain: bool | None, text_column: str | None, id_column: str | None, id_prefix: str = ""
) -> FileOptions:
    """Return the options for what a command line says.

    Args:
        plain: True: plain text; False: JSON lines; None: detected.
        text_column: Column with the text.
        id_column: Column with the id.
        id_prefix: Beginning of invented ids.
    """
    chosen: Format | None = None if plain is None else "text" if plain else "json-lines"
    return FileOptions(chosen, Columns(text_column, id_column), id_prefix)


def read_records(source: Source, options: FileOptions | None = None) -> Iterator[Record | None]:
    """Yield the tweets of a source, and None where it pauses and what has arrived has been yielded.

    Raises:
        InputError: The source cannot be read or has no known format; says what was expected.
    """
    options = options or FileOptions()
    head = without_byte_order_mark(read_head(source))
    check_encoding(head, source.name)
    chosen = options.format or format_of(head, options.columns, source.name)
    if chosen == "json":
        chosen = json_format_of(head)
    if chosen == "json-values":
        head = head[archive_name_bytes(head) :].lstrip()
        source.push_back(head)
        return _renamed(_values(source, in_array=head.startswith(b"[")), options)
    source.push_back(head)
    # A field in quotes may have line ends of its own.
    lines = read_lines(source, with_carriage_returns=chosen in {"csv", "tsv"})
    if chosen == "json-lines":
        return _renamed(_json_lines(lines), options)
    if chosen == "text":
        return _texts(lines, options.id_prefix)
    delimiter = "\t" if chosen == "tsv" else delimiter_of(first_line(head), options.columns) or ","
    return _table(read_rows(lines, delimiter, source.name), source.name, options)


def _json_lines(lines: Iterator[Line | None]) -> Iterator[Record | None]:
    number = 0
    for line in lines:
        if line is None:
            yield None
            continue
        number += 1
        yield from _records(number, line)


def _values(source: Source, *, in_array: bool) -> Iterator[Record | None]:
    number = 0
    for value in read_values(source, in_array=in_array):
        if value is None:
            yield None
            continue
        number += 1
        yield from _records(number, value)


def _records(number: int, content: bytes | Overlong) -> Iterator[Record]:
    if isinstance(content, Overlong):
        yield Record(number, _too_large(content))
        return
    for message in messages_of(content):
        yield Record(number, message)


def _too_large(overlong: Overlong) -> RejectedTweetError:
    detail = f"the line or value has {overlong.length_bytes} bytes, the limit is {MOST_RECORD_BYTES}"
    return RejectedTweetError(Reason.TOO_LARGE, detail)


def _texts(lines: Iterator[Line | None], id_prefix: str) -> Iterator[Record | None]:
    number = 0
    for line in lines:
        number += line is not None
        if line is None:
            yield None
        elif isinstance(line, Overlong):
            yield Record(number, _too_large(line))
        elif (text := line.decode("utf-8", "replace")).strip():
            yield Record(number, orjson.dumps({"id": f"{id_prefix}{number}", "text": text}))


def _table(rows: Iterator[Row | None], name: str, options: FileOptions) -> Iterator[Record | None]:
    for row in rows:
        if row is None:
            yield None
        elif row.fields is None:
            yield Record(row.line, RejectedTweetError(Reason.BAD_ROW, f"the row {row.detail}"))
        else:
            message = _message(row.fields, row.line, name, options)
            yield Record(row.line, _encoded(message), row.fields)


def _renamed(records: Iterator[Record | None], options: FileOptions) -> Iterator[Record | None]:
    """Give JSON objects the keys that the options name in place of the usual ones."""
    if options.columns == Columns():
        yield from records
        return
    for record in records:
        if record and isinstance(record.content, bytes):
            yield Record(record.number, _renamed_content(record.content, record.number, options))
        else:
            yield record


def _renamed_content(content: bytes, number: int, options: FileOptions) -> bytes | RejectedTweetError:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return content
    if not isinstance(found, dict):
        return content
    columns = options.columns
    renamed = found | {"text": found.get(columns.text)} if columns.text else dict(found)
    if columns.text:
        renamed.pop("full_text", None)
    if columns.id:
        renamed.pop("id_str", None)
        renamed["id"] = found.get(columns.id)
    elif columns.text and found.keys().isdisjoint(USUAL_COLUMNS["id"]):
        renamed["id"] = f"{options.id_prefix}{number}"
    return _encoded(renamed)


def _message(fields: Mapping[str, str], line: int, name: str, options: FileOptions) -> dict[str, str]:
    columns = {meaning: _column(fields, meaning, name, options) for meaning in USUAL_COLUMNS}
    message = {meaning: fields[column] for meaning, column in columns.items() if column and fields[column]}
    return {"id": f"{options.id_prefix}{line}", **message}


def _column(fields: Mapping[str, str], meaning: str, name: str, options: FileOptions) -> str | None:
    wanted = {"text": options.columns.text, "id": options.columns.id}.get(meaning)
    try:
        column = find_column(fields, meaning, wanted, USUAL_COLUMNS[meaning])
    except InputError as error:
        raise InputError(f"{name} has {error}") from error
    if column is None and meaning == "text":
        raise InputError(f"{name} has no column of texts, only {', '.join(fields)}: name it by --text-column")
    return column


def _encoded(message: Mapping[str, Any]) -> bytes | RejectedTweetError:
    try:
        return orjson.dumps(message)
    except orjson.JSONEncodeError:
        tweet_id = message.get("id")
        known = tweet_id if isinstance(tweet_id, str) and tweet_id.isprintable() else None
        return RejectedTweetError(Reason.NOT_UTF8, "the row has bytes that are not UTF-8", known)
