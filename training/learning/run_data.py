"""Data of a run: reading, hashes and checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.errors import InputError
from stream.model.bundle import file_sha256
from stream.tweets.polarity import POLARITIES
from training.data.files import read_utf8
from training.data.tweets import LabelledTweet
from training.datasets import ReadOptions, read_dataset
from training.duplicates import distinct, exclude


@dataclass(frozen=True)
class RunData:
    """Tweets of a run."""

    labelled: list[LabelledTweet]
    dev: list[LabelledTweet]
    unlabelled: list[str]
    sources: dict[str, list[str]]
    """Names and hashes of the files of each kind."""


@dataclass(frozen=True)
class DataFiles:
    """Files with the tweets of a run."""

    data: Sequence[Path]
    dev: Path
    unlabelled: Sequence[Path] = ()
    read_options: ReadOptions | None = None
    """Format and columns of labelled tweets; None: recognised from the files."""


def read_run_data(files: DataFiles) -> RunData:
    """Read the files of a run; tweets of the dev set are removed from all other data.

    Raises:
        InputError: A file cannot be read, a line is wrong, or a class has no tweets for training.
    """
    data, dev = read_dataset(files.data, files.read_options), read_dataset([files.dev], files.read_options)
    dev_tweets = distinct(dev.tweets)
    labelled = distinct(exclude(data.tweets, dev_tweets))
    for polarity in POLARITIES:
        if not any(tweet.polarity == polarity for tweet in labelled):
            named = ", ".join(map(str, files.data))
            raise InputError(
                f"{named} contains no {polarity} tweet for training, not counting those that are in {files.dev} too"
            )
    texts = {tweet.text for tweet in dev_tweets}
    unlabelled = [text for path in files.unlabelled for text in _lines(path) if text not in texts]
    sources = {"data": _hashed(data.files), "dev": _hashed(dev.files), "unlabelled": _hashed(files.unlabelled)}
    return RunData(labelled, dev_tweets, list(dict.fromkeys(unlabelled)), sources)


def _hashed(paths: Sequence[Path]) -> list[str]:
    return [f"{path.name} {file_sha256(path)}" for path in paths]


def _lines(path: Path) -> list[str]:
    """Read plain text with one tweet per line, gzipped or not."""
    return [line.strip() for line in read_utf8(path).split("\n") if line.strip()]
