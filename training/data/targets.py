"""Reader for tweets labelled by their polarity towards a target: columns separated by tabs, with a header, unquoted.

The columns `target`, `text` and `score` or `polarity` are needed, `id` is optional, in any order; others are ignored. A
score is a whole number, as in SemEval-2016 Task 4, subtasks C and E, from -2 (very negative) to 2 (very positive).
"""

from collections.abc import Mapping
from pathlib import Path

from stream.errors import InputError
from training.data.files import read_utf8
from training.data.tweets import Dataset, LabelledTweet, parse_polarity

_SCORES = {"-2": "negative", "-1": "negative", "0": "neutral", "1": "positive", "2": "positive"}


def is_targets(text: str) -> bool:
    """Return whether a file's text is in this format, by its header."""
    columns = set(text.split("\n", 1)[0].rstrip("\r").split("\t"))
    return {"target", "text"} <= columns and bool({"score", "polarity"} & columns)


def read_targets(path: Path) -> Dataset:
    """Read a file of labelled tweets, with the targets as entities.

    Raises:
        InputError: The file cannot be read, lacks a column, or a line has a wrong format; the message says which.
    """
    header, *lines = read_utf8(path).removesuffix("\n").split("\n")
    columns = header.rstrip("\r").split("\t")
    if not is_targets(header):
        raise InputError(f"{path} has the columns {', '.join(columns)} instead of target, text and score or polarity")
    if not lines:
        raise InputError(f"{path} has a header but no tweets")
    tweets = [_tweet(line, columns, path, number) for number, line in enumerate(lines, start=2)]
    return Dataset(tweets, [path])


def _tweet(line: str, columns: list[str], path: Path, number: int) -> LabelledTweet:
    where = f"{path}, line {number}"
    fields = line.rstrip("\r").split("\t")
    if len(fields) != len(columns):
        raise InputError(f"{where} has {len(fields)} columns, its header {len(columns)}")
    row: Mapping[str, str] = dict(zip(columns, fields, strict=True))
    label = row["score"] if "score" in row else row["polarity"]
    return LabelledTweet(
        id=row.get("id") or f"{path.name}:{number}",
        polarity=parse_polarity(_SCORES.get(label, label), where),
        text=row["text"],
        entity=row["target"] or None,
    )
