"""The tweets of a run: read, hashed, and refused where they cannot be learned from."""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.bundle import POLARITIES, file_sha256
from stream.errors import InputError
from training.data.tweets import LabelledTweet
from training.datasets import read_dataset
from training.duplicates import distinct, without


@dataclass(frozen=True)
class RunData:
    """All tweets of a run."""

    labelled: list[LabelledTweet]
    dev: list[LabelledTweet]
    unlabelled: list[str]


def read_run_data(data: Sequence[Path], dev: Path, unlabelled: Sequence[Path]) -> RunData:
    """Reads the files of a run; tweets of the dev set are not learned from, wherever else they stand.

    Raises:
        InputError: A file cannot be read, a line is wrong, or a class has no tweets to learn from.
    """
    dev_tweets = distinct(read_dataset([dev]).tweets)
    labelled = distinct(without(read_dataset(data).tweets, dev_tweets))
    for polarity in POLARITIES:
        if not any(tweet.polarity == polarity for tweet in labelled):
            named = ", ".join(map(str, data))
            raise InputError(f"no {polarity} tweet to learn from is in {named}, but for those that are in {dev} too")
    texts = {tweet.text for tweet in dev_tweets}
    read = [text for path in unlabelled for text in _lines(path) if text not in texts]
    return RunData(labelled, dev_tweets, list(dict.fromkeys(read)))


def sha256s(paths: Sequence[Path]) -> dict[str, str]:
    """The hash of each file by its name."""
    return {path.name: file_sha256(path) for path in paths}


def _lines(path: Path) -> list[str]:
    """Reads plain text, a tweet a line, gzipped or not."""
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        lines = [line.strip() for line in content.decode().split("\n")]
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start + 1})") from error
    if not any(lines):
        raise InputError(f"{path} is empty")
    return [line for line in lines if line]
