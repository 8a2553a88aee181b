"""Writer of labelled tweets as JSON lines, which training/data/tables.py reads."""

import gzip
from collections.abc import Iterable
from pathlib import Path

import orjson

from stream.errors import InputError
from stream.files import replacing
from training.data.tweets import LabelledTweet


def write_json_lines(path: Path, tweets: Iterable[LabelledTweet]) -> None:
    """Write tweets, one JSON object per line; gzipped if the name of the file ends in .gz.

    Raises:
        InputError: The file cannot be written.
    """
    lines = b"".join(map(_line, tweets))
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _line(tweet: LabelledTweet) -> bytes:
    fields = {
        "id": tweet.id,
        "text": tweet.text,
        "polarity": tweet.polarity,
        "entity": tweet.entity,
        "domain": tweet.domain,
        "timestamp": tweet.timestamp,
    }
    return orjson.dumps({name: value for name, value in fields.items() if value is not None}) + b"\n"
