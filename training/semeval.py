r"""Reads the data of SemEval-2017 Task 4, subtask A: id, polarity and text, parted by tabs, gzipped or not.

The files went through several hands, and this undoes what those left behind (cleaning, which the service does as
well, is stream/text.py): texts wrapped in double quotes, quotes within them doubled once or twice and some escaped
by a backslash, `\u002c` for a comma, and an empty fourth column.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from stream.bundle import POLARITIES, Polarity
from stream.errors import InputError

_DOUBLED_QUOTES = re.compile(r'\\?"{2,}')
_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class LabelledTweet:
    """A tweet and the polarity that people gave it."""

    id: str
    polarity: Polarity
    text: str


def read_semeval(paths: Iterable[Path]) -> list[LabelledTweet]:
    """Reads files of labelled tweets; an id that comes again, as many do across the years, keeps its first label.

    Raises:
        InputError: A file cannot be read, or a line is not what it should be; says which.
    """
    tweets: dict[str, LabelledTweet] = {}
    for path in paths:
        read = list(_read_file(path))
        if not read:
            raise InputError(f"{path} is empty")
        for tweet in read:
            tweets.setdefault(tweet.id, tweet)
    return list(tweets.values())


def original_text(written: str) -> str:
    """Undoes what the distributed files did to a tweet's text."""
    if len(written) > 1 and written[0] == written[-1] == '"':
        written = written[1:-1]
    unquoted = _DOUBLED_QUOTES.sub('"', written)
    return _ESCAPES.sub(lambda escapes: cast("str", json.loads(f'"{escapes.group()}"')), unquoted)


def _read_file(path: Path) -> Iterator[LabelledTweet]:
    try:
        with _opened(path) as lines:
            for number, line in enumerate(lines, start=1):
                yield _parse(line, f"{path}, line {number}")
    except (OSError, EOFError, zlib.error) as error:  # the last two: a gzip file cut short or damaged
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        compressed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    return cast("IO[bytes]", gzip.open(path)) if compressed else path.open("rb")


def _parse(line: bytes, where: str) -> LabelledTweet:
    try:
        columns = line.decode().rstrip("\t\r\n").split("\t")
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is not UTF-8 (byte {error.start + 1})") from error
    if len(columns) != 3:  # noqa: PLR2004
        raise InputError(f"{where} has {len(columns)} columns instead of id, polarity and text, parted by tabs")
    tweet_id, polarity, text = columns
    if polarity not in POLARITIES:
        raise InputError(f"{where} has the label '{polarity}' instead of {', '.join(POLARITIES)}")
    return LabelledTweet(tweet_id, polarity, original_text(text))
