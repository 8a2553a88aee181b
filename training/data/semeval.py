r"""Reader for SemEval-2017 Task 4, subtask A: id, polarity and text, separated by tabs, gzipped or not.

The distributed files have artefacts that the reader removes: texts in double quotes, quotes inside them doubled once or
twice, some of them escaped by a backslash, `\u002c` for a comma, and a fourth column that is empty or contains the
time. Cleaning, which the service does too, is in stream/tweets/cleaning.py.
"""

import json
import re
from pathlib import Path
from typing import cast

from stream.errors import InputError
from stream.tweets.polarity import POLARITIES
from training.data.files import read_utf8
from training.data.tweets import Dataset, LabelledTweet, parse_polarity

_DOUBLED_QUOTES = re.compile(r'\\?"{2,}')
_FOURTH_COLUMN = re.compile(r"\t(?:\w{3} \w{3} \d\d \d\d:\d\d:\d\d \+\d{4} \d{4})?\s*$")
_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")


def read_semeval(path: Path) -> Dataset:
    """Read a file of labelled tweets.

    Raises:
        InputError: The file cannot be read, or a line has a wrong format; the message says which.
    """
    lines = read_utf8(path).removesuffix("\n").split("\n")
    return Dataset([_parse(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)], [path])


def is_semeval(text: str) -> bool:
    """Return whether a file's text is in SemEval's format: its first line has a polarity, not a header."""
    columns = text.split("\n", 1)[0].split("\t")
    return len(columns) in {3, 4} and columns[1] in POLARITIES


def original_text(written: str) -> str:
    """Remove the artefacts of the distributed files from a tweet's text."""
    if len(written) > 1 and written[0] == written[-1] == '"':
        written = written[1:-1]
    unquoted = _DOUBLED_QUOTES.sub('"', written)
    return _ESCAPES.sub(lambda escapes: cast("str", json.loads(f'"{escapes.group()}"')), unquoted)


def _parse(line: str, where: str) -> LabelledTweet:
    columns = _FOURTH_COLUMN.sub("", line.rstrip("\r")).split("\t")
    if len(columns) != 3:  # noqa: PLR2004
        raise InputError(f"{where} has {len(columns)} columns instead of id, polarity and text, separated by tabs")
    tweet_id, polarity, text = columns
    return LabelledTweet(tweet_id, parse_polarity(polarity, where), original_text(text))
