"""Cross-fitted teachers of polarity towards an entity: makes training/soft_labels/targets.npz and reputation.npz.

They begin with the teachers of sentiment of the same folds, learn polarity towards targets, then RepLab's reputation
polarity, each with outputs of its own. The entity is the second segment, left out at random in 30 % of the rows.
"""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from stream.tweets.polarity import POLARITIES
from training.data.replab import read_replab
from training.data.tables import Columns
from training.data.tweets import LabelledTweet
from training.datasets import ReadOptions, read_dataset
from training.near_duplicates import near_duplicate_groups
from training.splits import split_by_time
from training.teachers.folds import FOLDS, divide, keys_of, out_of_fold
from training.teachers.keys import SoftLabels

_LOG = logging.getLogger(__name__)
_RATE = 6e-5
_TARGET_EPOCHS, _REPLAB_EPOCHS = 0.8, 2.0
_SHARES = (0.3, 0.7)
"""Share of rows without the entity, and with it."""
_TARGETS, _REPLAB = 0, 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.teachers.reputation", description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="folder of all-mpnet-base-v2, for its tokenizer")
    parser.add_argument("--weights", type=Path, required=True, help="folder that training.teachers.sentiment wrote")
    parser.add_argument("--sentiment", type=Path, nargs="+", required=True, help="labelled tweets that those learned")
    parser.add_argument("--targets", type=Path, nargs="+", required=True, help="tables: id, target, polarity, text")
    parser.add_argument("--replab", type=Path, required=True, help="RepLab's folder, the training half")
    parser.add_argument("--out", type=Path, required=True, help="folder for targets.npz and reputation.npz")
    return parser.parse_args()


def _target_folds(arguments: argparse.Namespace, targets: list[LabelledTweet]) -> NDArray[np.int64]:
    """Return the fold of each target's tweet: that of the same tweet among those that the teachers began with."""
    sentiment = divide(read_dataset(arguments.sentiment).tweets)
    drawn = np.random.default_rng(1).integers(FOLDS, size=len(targets))
    folds = [sentiment.of_key.get(("id", each.id), sentiment.of_text(each.text)) for each in targets]
    return np.array([own if fold < 0 else fold for own, fold in zip(drawn, folds, strict=True)])


def _replab_folds(tweets: list[LabelledTweet]) -> NDArray[np.int64]:
    """Return the fold of each tweet: near duplicates share one; -1: a tweet of the dev set."""
    dev = {(tweet.entity, tweet.id) for tweet in split_by_time(tweets).dev}
    generator = np.random.default_rng(2)
    fold_of: dict[tuple[str | None, str], int] = {}
    for group in near_duplicate_groups(tweets):
        fold_of |= dict.fromkeys(((tweet.entity, tweet.id) for tweet in group), int(generator.integers(FOLDS)))
    return np.array([-1 if (key := (each.entity, each.id)) in dev else fold_of[key] for each in tweets])


def _teach(
    arguments: argparse.Namespace, tweets: list[LabelledTweet], fold: NDArray[np.int64], targets: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Train the teachers.

    Returns:
        Logits for targets and for RepLab's tweets, each of shape (2, tweets, classes): without and with the entity.
    """
    from training.teachers.fitting import Fitting, Labels, Stage, square_root_weights  # noqa: PLC0415
    from training.teachers.mpnet import Reader, Texts  # noqa: PLC0415
    from training.teachers.stack import Stack  # noqa: PLC0415

    reader, texts = Reader(arguments.base), [tweet.text for tweet in tweets]
    pairs = reader.pairs(texts, [tweet.entity or "" for tweet in tweets])
    stack = Stack([_two_tasks(arguments.weights / f"fold-{teacher}.safetensors") for teacher in range(FOLDS)])
    fitting = Fitting(stack, [Texts.of(reader.sequences(texts)), Texts.of(pairs)])
    gold = np.array([POLARITIES.index(tweet.polarity) for tweet in tweets])
    answers = []
    parts = (np.arange(targets), np.arange(targets, len(tweets)))
    for task, rows, epochs in ((_TARGETS, parts[0], _TARGET_EPOCHS), (_REPLAB, parts[1], _REPLAB_EPOCHS)):
        learned = rows[fold[rows] >= 0]
        stage = Stage([_RATE] * FOLDS, [0.0] * FOLDS, epochs, seed=2 + task, variant_shares=_SHARES)
        labels = Labels(gold, square_root_weights(gold[learned]), task)
        fitting.fit(stage, labels, [learned[fold[learned] != teacher] for teacher in range(FOLDS)])
        columns = slice(len(POLARITIES) * task, len(POLARITIES) * (task + 1))
        asked = [out_of_fold(fitting.ask(rows, variant)[..., columns], fold[rows]) for variant in range(len(_SHARES))]
        answers.append(np.stack(asked))
    return answers[0], answers[1]


def _two_tasks(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read a teacher of sentiment; the outputs of both tasks begin with its outputs."""
    weights: dict[str, NDArray[np.float32]] = load_file(path)
    return weights | {name: np.concatenate([weights[name]] * 2) for name in ("classes.weight", "classes.bias")}


def _write(path: Path, tweets: list[LabelledTweet], answers: NDArray[np.float32], fold: NDArray[np.int64]) -> None:
    keys = keys_of(tweets) + keys_of([replace(tweet, entity="") for tweet in tweets])
    logits = np.concatenate([answers[1], answers[0]])
    SoftLabels.of(keys, logits, np.tile(fold, 2).astype(np.int8)).write(path)


def main() -> None:
    """Run the program."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    columns = Columns(id="id", label="polarity", text="text", entity="target")
    targets = read_dataset(arguments.targets, ReadOptions(columns=columns)).tweets
    replab = read_replab(arguments.replab).tweets
    fold = np.concatenate([_target_folds(arguments, targets), _replab_folds(replab)])
    answers = _teach(arguments, targets + replab, fold, len(targets))
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, tweets, found, rows in (
        ("targets", targets, answers[0], fold[: len(targets)]),
        ("reputation", replab, answers[1], fold[len(targets) :]),
    ):
        gold = np.array([POLARITIES.index(tweet.polarity) for tweet in tweets])
        for variant, reading in enumerate(("without entity", "with entity")):
            accuracy = float((found[variant].argmax(1) == gold).mean())
            _LOG.info("%s, %s: accuracy %.1f out of fold", name, reading, 100 * accuracy)
        _write(arguments.out / f"{name}.npz", tweets, found, rows)


if __name__ == "__main__":
    main()
