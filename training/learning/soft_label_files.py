"""Soft labels from files such as training/soft_labels/sentiment.npz, found by a hash of the text."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stream.errors import InputError
from stream.tweets.polarity import POLARITIES
from training.checkpoint import Array
from training.data.tweets import LabelledTweet
from training.learning.recipe import Distil
from training.teachers.keys import SoftLabels, key_of


@dataclass(frozen=True)
class SoftLabelSource:
    """Files of soft labels, and the labels in them that are used."""

    paths: Sequence[Path]
    entity: bool = False
    """True if the labels are towards the entities of the tweets."""


@dataclass(frozen=True)
class DistilledTweets:
    """Tweets with soft labels."""

    labelled: list[LabelledTweet]
    unlabelled: list[str]
    copies: tuple[int, ...] | None
    """Number of times that each tweet occurs in an epoch, labelled ones first; None: once."""
    probabilities: Array
    """float32 (tweets, labels), in the order of POLARITIES, labelled tweets first."""
    without_entity: Array | None
    """Probabilities for the tweets without their entities, same shape; None: the model reads no entities."""
    gold_alone: int
    """Number of labelled tweets whose gold label stands in for the missing soft label."""
    left_out: int
    """Number of unlabelled tweets without a soft label; they are not in `unlabelled`."""

    def description(self) -> str:
        """Return the numbers of tweets for the progress."""
        soft = len(self.probabilities) - self.gold_alone
        return (
            f"soft labels for {soft:,} tweets; {self.gold_alone:,} labelled tweets with the gold label alone, "
            f"{self.left_out:,} unlabelled ones without a soft label left out"
        )


def find_soft_labels(
    labelled: Sequence[LabelledTweet],
    unlabelled: Sequence[str],
    copies: tuple[int, ...] | None,
    source: SoftLabelSource,
    settings: Distil,
) -> DistilledTweets:
    """Find the soft labels of tweets; if several files have one, their probabilities are averaged.

    Args:
        labelled: Labelled tweets, as the readers return them.
        unlabelled: Texts of further tweets.
        copies: Number of times that each of them occurs in an epoch; None: once.
        source: Files of soft labels.
        settings: Settings of the stage: prior and temperature of the soft labels, use of gold labels.

    Raises:
        InputError: A file cannot be read, no tweet has a soft label, or labelled tweets have none and their gold labels
            are not to be used.
    """
    texts = [*(tweet.text for tweet in labelled), *unlabelled]
    entities = [*(tweet.entity if source.entity else None for tweet in labelled), *(None for _ in unlabelled)]
    keys = [_keys(text, entity, source) for text, entity in zip(texts, entities, strict=True)]
    probabilities, found = _mean_probabilities(keys, source.paths, settings)
    without_entity: NDArray[np.float32] | None = None
    if source.entity:
        bare, has_bare = _mean_probabilities([_keys(text, None, source) for text in texts], source.paths, settings)
        without_entity = np.where(has_bare[:, np.newaxis], bare, probabilities)
    named = " and ".join(map(str, source.paths))
    if not found.any():
        raise InputError(
            f"{named} contains no soft label for any of the {len(keys):,} tweets: give the data for which it was made, "
            "in its original form"
        )
    missing = np.flatnonzero(~found[: len(labelled)]).tolist()
    if len(missing) and not (settings.gold_weight or settings.gold_as_soft):
        raise InputError(
            f"{named} contains no soft label for {len(missing):,} of {len(labelled):,} labelled tweets, for example "
            f"{labelled[missing[0]].id}, and distil.gold_weight is 0: set distil.gold_as_soft = true to train on their "
            "gold labels, or leave them out of --data"
        )
    for row in missing:
        gold = _smoothed(POLARITIES.index(labelled[row].polarity), settings.label_smoothing)
        probabilities[row] = gold
        if without_entity is not None:
            without_entity[row] = gold
    kept = found.copy()
    kept[: len(labelled)] = True
    return DistilledTweets(
        labelled=list(labelled),
        unlabelled=[text for text, has_label in zip(unlabelled, found[len(labelled) :], strict=True) if has_label],
        copies=None if copies is None else tuple(np.asarray(copies)[kept].tolist()),
        probabilities=probabilities[kept],
        without_entity=None if without_entity is None else without_entity[kept],
        gold_alone=len(missing),
        left_out=int((~kept).sum()),
    )


def _keys(text: str, entity: str | None, source: SoftLabelSource) -> tuple[int, int]:
    """Return the key of a text's soft label, and the one under which it is found otherwise."""
    if entity is not None:
        return (key := key_of(text, entity)), key
    # The files of polarities towards an entity have an own label for a text without it.
    keys = key_of(text, ""), key_of(text)
    return keys if source.entity else keys[::-1]


def _mean_probabilities(
    keys: Sequence[tuple[int, int]], paths: Sequence[Path], settings: Distil
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the mean probabilities of each tweet over the files that have it, and whether any has it."""
    total = np.zeros((len(keys), len(POLARITIES)), np.float32)
    files = np.zeros(len(keys), np.int64)
    for path in paths:
        soft_labels = _read(path)
        first, other = (soft_labels.rows(each) for each in zip(*keys, strict=True))
        rows = np.where(first >= 0, first, other)
        has_label = rows >= 0
        logits = soft_labels.logits[rows[has_label]].astype(np.float32) + np.array(settings.prior, np.float32)
        total[has_label] += _softmax(logits / settings.temperature)
        files += has_label
    return (total / np.maximum(files, 1)[:, np.newaxis]).astype(np.float32), files > 0


def _read(path: Path) -> SoftLabels:
    try:
        soft_labels = SoftLabels.read(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not a file of soft labels: {error}") from error
    keys, logits = soft_labels.keys, soft_labels.logits
    if keys.ndim != 1 or not len(keys) or logits.shape != (len(keys), len(POLARITIES)):
        raise InputError(f"{path} is not a file of soft labels: keys {keys.shape}, logits {logits.shape}")
    if keys.dtype != np.uint64 or (keys[1:] <= keys[:-1]).any():
        raise InputError(f"{path} is not a file of soft labels: its keys are not sorted uint64")
    if not np.isfinite(logits).all():
        raise InputError(f"{path}: some of its logits are not finite")
    return soft_labels


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def _smoothed(column: int, smoothing: float) -> NDArray[np.float32]:
    target = np.full(len(POLARITIES), smoothing / len(POLARITIES), np.float32)
    target[column] += 1.0 - smoothing
    return target
