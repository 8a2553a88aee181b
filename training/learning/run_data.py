"""Data of a run: reading, hashes and checks."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stream.errors import InputError
from stream.model.bundle import file_sha256
from stream.tweets.polarity import POLARITIES
from training.data.files import read_utf8
from training.data.tweets import Dataset, LabelledTweet
from training.datasets import ReadOptions, read_dataset
from training.duplicates import distinct, exclude
from training.learning.recipe import Distil
from training.learning.soft_label_files import DistilledTweets, SoftLabelSource, find_soft_labels


@dataclass(frozen=True)
class RunData:
    """Tweets of a run."""

    labelled: list[LabelledTweet]
    dev: list[LabelledTweet]
    unlabelled: list[str]
    copies: tuple[int, ...] | None
    """Number of times that each tweet occurs in an epoch, labelled ones first; None: once."""
    distilled: DistilledTweets | None
    """Tweets with soft labels from files; None: no such files."""
    sources: dict[str, list[str]]
    """Names and hashes of the files of each kind."""


@dataclass(frozen=True)
class DataFiles:
    """Files with the tweets of a run."""

    data: Sequence[Path]
    dev: Path
    unlabelled: Sequence[Path] = ()
    soft_labels: Sequence[Path] = ()
    """Files of soft labels."""
    repetitions: Mapping[Path, int] = field(default_factory=dict)
    """Number of times that the tweets of a file or folder of `data` or `unlabelled` occur in an epoch."""
    read_options: ReadOptions | None = None
    """Format and columns of labelled tweets; None: recognised from the files."""


def read_run_data(files: DataFiles, distil: Distil | None = None, *, entity: bool = False) -> RunData:
    """Read the files of a run; tweets of the dev set are removed from all other data.

    Args:
        files: The files.
        distil: Settings of the distillation, for soft labels from files; None: the recipe has no such stage.
        entity: Whether the model reads the entities of the tweets.

    Raises:
        InputError: A file cannot be read, a line is wrong, a class has no tweets for training, or soft labels are
            missing.
    """
    parts = {path: read_dataset([path], files.read_options) for path in files.data}
    data, dev = Dataset.joined(parts.values()), read_dataset([files.dev], files.read_options)
    dev_tweets = distinct(dev.tweets)
    labelled = distinct(exclude(data.tweets, dev_tweets))
    for polarity in POLARITIES:
        if not any(tweet.polarity == polarity for tweet in labelled):
            named = ", ".join(map(str, files.data))
            raise InputError(
                f"{named} contains no {polarity} tweet for training, not counting those that are in {files.dev} too"
            )
    texts = {tweet.text for tweet in dev_tweets}
    if entity and not any(tweet.entity for tweet in labelled):
        raise InputError(
            f"{' and '.join(map(str, files.data))} names no entities, but the recipe has entity = true: name the "
            "column with --entity-column"
        )
    lines = {path: _lines(path) for path in files.unlabelled}
    unlabelled = list(dict.fromkeys(text for read in lines.values() for text in read if text not in texts))
    copies = None
    if files.repetitions:
        tweet_copies = _copies(((path, map(_identity, part.tweets)) for path, part in parts.items()), files)
        text_copies = _copies(lines.items(), files)
        copies = (
            *(tweet_copies[_identity(tweet)] for tweet in labelled),
            *(text_copies[text] for text in unlabelled),
        )
    distilled = None
    if distil and files.soft_labels:
        distilled = find_soft_labels(labelled, unlabelled, copies, SoftLabelSource(files.soft_labels, entity), distil)
    sources = {
        "data": _hashed(data.files),
        "dev": _hashed(dev.files),
        "unlabelled": _hashed(files.unlabelled),
        "soft_labels": _hashed(files.soft_labels),
        "repetitions": [f"{path.name} {copies}" for path, copies in files.repetitions.items()],
    }
    return RunData(labelled, dev_tweets, unlabelled, copies, distilled, sources)


def read_repetitions(options: Sequence[str], files: Sequence[Path]) -> dict[Path, int]:
    """Read the repetitions of files from the command line.

    Args:
        options: Each a file or folder, an equals sign and a number.
        files: All files and folders of the run.

    Raises:
        InputError: An option has another form, or names a file that is not one of the run's.
    """
    repetitions = {}
    for option in options:
        name, _, number = option.rpartition("=")
        if not (name and number.isascii() and number.isdecimal() and int(number)):
            raise InputError(f"--repeat {option} is not FILE=NUMBER with a whole number from 1 on")
        if Path(name) not in files:
            raise InputError(f"--repeat {option}: {name} is neither in --data nor in --unlabelled")
        repetitions[Path(name)] = int(number)
    return repetitions


def _identity(tweet: LabelledTweet) -> Hashable:
    return tweet.entity, tweet.id, tweet.text


def _copies(parts: Iterable[tuple[Path, Iterable[Hashable]]], files: DataFiles) -> dict[Hashable, int]:
    """Return the number of copies by tweet; a tweet of several files has the largest of their numbers."""
    copies: dict[Hashable, int] = {}
    for path, tweets in parts:
        number = files.repetitions.get(path, 1)
        copies.update((tweet, max(number, copies.get(tweet, 1))) for tweet in tweets)
    return copies


def _hashed(paths: Sequence[Path]) -> list[str]:
    return [f"{path.name} {file_sha256(path)}" for path in paths]


def _lines(path: Path) -> list[str]:
    """Read plain text with one tweet per line, gzipped or not."""
    return [line.strip() for line in read_utf8(path).split("\n") if line.strip()]
