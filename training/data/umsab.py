"""Reader for UMSAB, the multilingual benchmark of XLM-T: id, polarity and text, separated by tabs, with a header.

A quote in a text is a character like any other. The texts are not changed, since soft labels are found by them.
"""

from pathlib import Path

from stream.errors import InputError
from training.data.files import read_utf8
from training.data.tweets import Dataset, LabelledTweet, parse_polarity

_HEADER = "id\tpolarity\ttext"


def read_umsab(path: Path) -> Dataset:
    """Read a file of labelled tweets.

    Raises:
        InputError: The file cannot be read, or a line has a wrong format; the message says which.
    """
    header, *lines = read_utf8(path).removesuffix("\n").split("\n")
    if header.rstrip("\r") != _HEADER:
        raise InputError(f"{path} begins with {header[:40]!r} instead of the columns id, polarity and text")
    if not lines:
        raise InputError(f"{path} has a header but no tweets")
    return Dataset([_tweet(line, f"{path}, line {number}") for number, line in enumerate(lines, start=2)], [path])


def _tweet(line: str, where: str) -> LabelledTweet:
    fields = line.rstrip("\r").split("\t")
    if len(fields) != 3:  # noqa: PLR2004
        raise InputError(f"{where} has {len(fields)} columns instead of id, polarity and text, separated by tabs")
    tweet_id, polarity, text = fields
    return LabelledTweet(tweet_id, parse_polarity(polarity, where), text)
