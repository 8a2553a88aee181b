"""Cross-fitted teachers of sentiment, and what they say of all texts: makes training/soft_labels/sentiment.npz."""

import argparse
import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from stream.tweets.polarity import POLARITIES
from training.data.files import read_utf8
from training.data.tweets import LabelledTweet
from training.datasets import read_dataset
from training.duplicates import distinct, exclude
from training.teachers.folds import FOLDS, Folds, divide, out_of_fold
from training.teachers.keys import SoftLabels, key_of

_LOG = logging.getLogger(__name__)
_RATE, _RECENT_RATE = 6e-5, 3e-5
_EPOCHS, _RECENT_EPOCHS = 1.1, 0.9
_ADVERSARY = [1.0] * FOLDS + [0.0] * FOLDS
"""Five teachers with an adversary and five without."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.teachers.sentiment", description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="folder of all-mpnet-base-v2")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="labelled tweets of all years")
    parser.add_argument("--recent", type=Path, nargs="+", required=True, help="those of them for the second stage")
    parser.add_argument("--dev", type=Path, required=True, help="labelled tweets that are not learned from")
    parser.add_argument("--unlabelled", type=Path, nargs="*", default=[], help="texts, one a line")
    parser.add_argument("--out", type=Path, required=True, help="file of soft labels, .npz")
    parser.add_argument("--weights", type=Path, help="folder for the weights of the first five teachers")
    return parser.parse_args()


def _subsets(folds: Folds, among: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    return [np.flatnonzero((folds.fold != teacher % FOLDS) & among) for teacher in range(len(_ADVERSARY))]


def _teach(arguments: argparse.Namespace, folds: Folds, texts: list[str]) -> NDArray[np.float32]:
    """Train the teachers and return their logits for all texts, of which the labelled ones are the first."""
    # PyTorch is imported only here, so that --help and wrong arguments need none.
    from training.teachers.fitting import Fitting, Labels, Stage, square_root_weights  # noqa: PLC0415
    from training.teachers.mpnet import Reader, Texts, read_weights, with_head  # noqa: PLC0415
    from training.teachers.stack import Stack  # noqa: PLC0415

    base = read_weights(arguments.base)
    teachers = range(len(_ADVERSARY))
    stack = Stack([with_head(base, len(POLARITIES), seed) for seed in teachers])
    fitting = Fitting(stack, [Texts.of(Reader(arguments.base).sequences(texts))])
    gold = np.zeros(len(texts), np.int64)
    gold[: len(folds.learned)] = [POLARITIES.index(tweet.polarity) for tweet in folds.learned]
    labels = Labels(gold, square_root_weights(gold[: len(folds.learned)]))
    recent_ids = {tweet.id for tweet in read_dataset(arguments.recent).tweets}
    recent = np.array([tweet.id in recent_ids for tweet in folds.learned])
    fitting.fit(Stage([_RATE for _ in teachers], _ADVERSARY, _EPOCHS, 1), labels, _subsets(folds, np.ones_like(recent)))
    stage = Stage([_RECENT_RATE for _ in teachers], _ADVERSARY, _RECENT_EPOCHS, 2)
    fitting.fit(stage, labels, _subsets(folds, recent))
    if arguments.weights:
        arguments.weights.mkdir(parents=True, exist_ok=True)
        for teacher in range(FOLDS):
            weights = {"distances": base["distances"]} | stack.trained(teacher)
            save_file(weights, arguments.weights / f"fold-{teacher}.safetensors")
    return fitting.ask(np.arange(len(texts)))


def _report(logits: NDArray[np.float32], dev: list[LabelledTweet], rows: list[int]) -> None:
    gold = np.array([POLARITIES.index(tweet.polarity) for tweet in dev])
    found = logits[rows].argmax(1)
    recalls = [float((found[gold == column] == column).mean()) for column in range(len(POLARITIES))]
    _LOG.info("dev set: macro-recall %.1f", 100 * float(np.mean(recalls)))


def main() -> None:
    """Run the program."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    dev = distinct(read_dataset([arguments.dev]).tweets)
    rows = read_dataset(arguments.data).tweets
    folds = divide(exclude(rows, dev))
    unlabelled = [line.strip() for path in arguments.unlabelled for line in read_utf8(path).split("\n") if line.strip()]
    others = [tweet.text for tweet in rows] + [tweet.text for tweet in dev] + unlabelled
    texts = [tweet.text for tweet in folds.learned]
    learned = set(texts)
    texts += [text for text in dict.fromkeys(others) if text not in learned]
    logits = _teach(arguments, folds, texts)
    fold = np.array([folds.of_text(text) for text in texts])
    mean = out_of_fold(logits, fold)
    places = {text: place for place, text in enumerate(texts)}
    _report(mean, dev, [places[tweet.text] for tweet in dev])
    SoftLabels.of([key_of(text) for text in texts], mean, fold.astype(np.int8)).write(arguments.out)


if __name__ == "__main__":
    main()
