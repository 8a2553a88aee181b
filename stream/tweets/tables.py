"""Tables of tweets: CSV and TSV with a header, and the columns that hold a tweet's fields."""

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from stream.errors import InputError
from stream.tweets.lines import Line, Overlong

USUAL_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "full_text", "tweet", "content", "body"),
    "id": ("id", "id_str", "tweet_id"),
    "entity": ("entity", "entity_id"),
    "lang": ("lang", "language"),
}
_DELIMITERS = "\t,;"
_MOST_COLUMNS = 1024
_NAME = re.compile(r"\w[\w .:/-]{0,63}")


@dataclass(frozen=True)
class Columns:
    """Names of columns, or of JSON keys. None: the first of the usual names that is there, in any case."""

    text: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    line: int
    """Number of its last line."""
    fields: Mapping[str, str] | None
    """Values by column; None if the row has more or fewer fields than the header."""
    detail: str = ""
    """The fault of a row without fields: 'has 3 columns, its header 2'."""


def find_column(available: Collection[str], meaning: str, name: str | None, usual: Collection[str]) -> str | None:
    """Find the column with a meaning.

    Args:
        available: The table's columns.
        meaning: `text`, `id`, …, for the error.
        name: The name that the user gave; None: one of the usual ones.
        usual: The usual names, the first choice first.

    Raises:
        InputError: The table lacks the column that the user named.
    """
    if name is not None:
        if name not in available:
            raise InputError(f"no column '{name}' with the {meaning}, only {', '.join(available)}")
        return name
    lower = {each.strip().lower(): each for each in reversed(list(available))}
    return next((lower[each] for each in usual if each in lower), None)


def delimiter_of(header: str, columns: Columns) -> str | None:
    """Return the delimiter that makes a line a header with a column of texts; None where none does."""
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader([header], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        wanted = {columns.text} if columns.text else set(USUAL_COLUMNS["text"])
        found = wanted & ({*names} if columns.text else {name.strip().lower() for name in names})
        if found and len(names) <= _MOST_COLUMNS and all(_NAME.fullmatch(name.strip()) or not name for name in names):
            return delimiter
    return None


def read_rows(lines: Iterator[Line | None], delimiter: str, name: str) -> Iterator[Row | None]:
    """Yield the rows below the header; None where the source pauses.

    Args:
        lines: The table's lines, the header first.
        delimiter: What separates columns.
        name: The file's name, for errors.

    Raises:
        InputError: A quote is not closed, or a line is too long.
    """
    texts = _Texts(lines, name)
    # Strict, because a quote that is not closed would otherwise swallow the tweets up to the next one without an error.
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    try:
        header = next((fields for fields in reader if any(map(str.strip, fields))), [])
        while True:
            while texts.pauses():
                yield None
            fields = next(reader, None)
            if fields is None:
                return
            if fields:
                yield _row(reader.line_num, header, fields)
    except csv.Error as error:
        raise InputError(
            f"{name}, line {reader.line_num} cannot be read ({error}): double the quotes within a quoted field"
        ) from error


def _row(line: int, header: list[str], fields: list[str]) -> Row:
    if len(fields) != len(header):
        return Row(line, None, f"has {len(fields)} columns, its header {len(header)}")
    return Row(line, dict(zip(header, fields, strict=True)))


class _Texts:
    """Lines as the csv module wants them: strings with their ends. Bytes that are not UTF-8 become surrogates."""

    def __init__(self, lines: Iterator[Line | None], name: str) -> None:
        self._lines = lines
        self._name = name
        self._number = 0
        self._next: Line | None = None
        self._has_next = False

    def pauses(self) -> bool:
        """Return whether the source pauses before the next line."""
        if not self._has_next:
            try:
                self._next = next(self._lines)
            except StopIteration:
                return False
            self._has_next = self._next is not None
            return not self._has_next
        return False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._next if self._has_next else next(self._lines)
        while line is None:  # a pause within a row
            line = next(self._lines)
        self._has_next = False
        self._number += 1
        if isinstance(line, Overlong):
            raise InputError(f"{self._name}, line {self._number} has {line.length_bytes} bytes, which is too long")
        return line.decode("utf-8", "surrogateescape") + "\n"
