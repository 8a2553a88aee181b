"""Averages of the weights of checkpoints that were trained from the same initial weights.

The average is often better than each of them: Wortsman et al., 'Model soups' (2022, arXiv:2203.05482).
"""

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer as WordPieces

from stream.model.bundle import TOKENIZER_FILE, file_sha256
from training.about import ABOUT_FILE, About, read_about, write_about
from training.checkpoint import CONFIG_FILE, WEIGHTS_FILE, Array, Checkpoint, load_checkpoint
from training.errors import CheckpointError
from training.learning.files import replacing, write_arrays

_LEAST_COSINE = 0.5
"""Minimum cosine similarity of two checkpoints' weights: above 0.99 if trained from the same weights, else near 0."""


def mean_weights(each: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Return the mean of each weight; all of `each` have the same names and shapes."""
    return {name: np.mean([weights[name] for weights in each], axis=0) for name in each[0]}


def average_checkpoints(folders: Sequence[Path], out: Path) -> None:
    """Write a checkpoint whose weights are the mean of those of other checkpoints, complete or not at all.

    Raises:
        CheckpointError: A checkpoint cannot be read, or two cannot be averaged; the message says which and why.
        TrainingError: The average cannot be written.
    """
    if len(folders) < 2:  # noqa: PLR2004
        raise CheckpointError("averaging needs at least two checkpoints")
    if out.exists():
        raise CheckpointError(f"{out} exists already: give another folder with --out")
    checkpoints = [load_checkpoint(folder) for folder in folders]
    abouts = [read_about(folder / ABOUT_FILE) for folder in folders]
    for checkpoint, about in zip(checkpoints[1:], abouts[1:], strict=True):
        _check_same_network(checkpoints[0], checkpoint)
        _check_same_preprocessing(folders[0], abouts[0], checkpoint.path, about)
    with replacing(out) as temporary:
        temporary.mkdir()
        for name in (CONFIG_FILE, TOKENIZER_FILE):
            shutil.copyfile(folders[0] / name, temporary / name)
        weights = mean_weights([checkpoint.weights for checkpoint in checkpoints])
        write_arrays(temporary / WEIGHTS_FILE, weights, {"format": "pt"})
        write_about(temporary / ABOUT_FILE, _metadata(abouts, checkpoints))


def _check_same_network(first: Checkpoint, other: Checkpoint) -> None:
    both = f"{first.path} and {other.path}"
    shapes = [{name: weight.shape for name, weight in one.weights.items()} for one in (first, other)]
    if shapes[0] != shapes[1] or first.labels != other.labels:
        raise CheckpointError(f"{both} cannot be averaged: their layers, sizes or labels differ")
    if _word_pieces(first) != _word_pieces(other):
        raise CheckpointError(f"{both} cannot be averaged: their tokenisers differ")
    if _cosine(first.weights, other.weights) < _LEAST_COSINE:
        raise CheckpointError(
            f"{both} cannot be averaged: their weights are unrelated, so they were not trained from the same checkpoint"
        )


def _word_pieces(checkpoint: Checkpoint) -> str:
    """Return the tokeniser as text, without its truncation, which `about.toml` sets."""
    word_pieces = WordPieces.from_file(str(checkpoint.tokenizer_path))
    word_pieces.no_truncation()
    word_pieces.no_padding()
    return word_pieces.to_str()


def _check_same_preprocessing(first: Path, first_about: About, other: Path, about: About) -> None:
    if (first_about.cleaning, first_about.max_tokens) != (about.cleaning, about.max_tokens):
        raise CheckpointError(f"{first} and {other} cannot be averaged: their cleaning or max_tokens differ")
    if first_about.entity != about.entity:
        raise CheckpointError(f"{first} and {other} cannot be averaged: only one of them reads entities")


def _cosine(one: Mapping[str, Array], other: Mapping[str, Array]) -> float:
    def product(left: Mapping[str, Array], right: Mapping[str, Array]) -> float:
        return sum(float(np.vdot(left[name], right[name])) for name in left)

    return product(one, other) / math.sqrt(product(one, one) * product(other, other))


def _metadata(abouts: Sequence[About], checkpoints: Sequence[Checkpoint]) -> About:
    """Return what all checkpoints' metadata have in common, with the hashes of their weights."""
    first = abouts[0]
    training: dict[str, Any] = {
        name: value
        for name, value in first.training.items()
        if name != "dev" and all(about.training.get(name) == value for about in abouts)
    }
    training["averaged_sha256"] = [file_sha256(checkpoint.weights_path) for checkpoint in checkpoints]
    return first.model_copy(update={"training": training})
