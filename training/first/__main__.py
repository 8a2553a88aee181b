"""`python -m training.first`: trains the bundle `first`, which answers first in a cascade."""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from stream.files import replacing
from stream.model.bundle import (
    INPUT,
    MANIFEST_FILE,
    MODEL_FILE,
    TOKENIZER_FILE,
    Bundle,
    Cleaning,
    Manifest,
    file_sha256,
    load_bundle,
)
from stream.model.classifier import Classifier
from stream.model.tokenizer import Tokenizer
from stream.tweets.cleaning import cleaner
from stream.tweets.polarity import POLARITIES
from training.bundling import length_buckets
from training.checkpoint import Array
from training.convert import converted
from training.data.tweets import LabelledTweet
from training.first.fitting import Rows, Stage, predict, train
from training.first.network import FirstNetwork, initial_weights
from training.from_bundle.bert_weights import BertGraph
from training.from_bundle.tflite_graph import Graph
from training.learning.recipe import Distil
from training.learning.run_data import DataFiles, read_run_data
from training.length_batching import logits_by_length
from training.scores import columns, score_columns

_CLEANING = Cleaning(name="words", version=2)
_PRIOR = (0.533, 0.0, 0.071)
"""Makes the classes count alike: the teachers of sentiment.npz learned with other class weights."""
_SMOOTHING = 0.1
_WORDS = "bert.embeddings.word_embeddings.weight"


@dataclass(frozen=True)
class Trained:
    """The trained network, and what it was trained on."""

    network: FirstNetwork
    dev: Sequence[LabelledTweet]
    dev_rows: Rows
    training: dict[str, Any]


def main() -> None:
    """Read the command line, train and write the bundle."""
    parser = argparse.ArgumentParser(prog="python -m training.first", description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="labelled tweets")
    parser.add_argument("--recent", type=Path, nargs="*", default=[], help="those of them for the last epoch")
    parser.add_argument("--dev", type=Path, required=True, help="labelled tweets that are not trained on")
    parser.add_argument("--unlabelled", type=Path, nargs="*", default=[], help="further tweets, one per line")
    parser.add_argument("--soft-labels", type=Path, nargs="+", required=True, help="such as sentiment.npz")
    parser.add_argument("--words-of", type=Path, help="bundle whose tokenizer and word embeddings are used (default)")
    parser.add_argument("--epochs", type=float, default=3.0, help="epochs over all tweets (3)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (0)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundle; must not exist yet")
    arguments = parser.parse_args()
    if arguments.out.exists():
        parser.error(f"{arguments.out} exists already: give another folder with --out")
    words = load_bundle(arguments.words_of)
    trained = _train(arguments, words)
    write_bundle(arguments.out, words, trained)


def _train(arguments: argparse.Namespace, words: Bundle) -> Trained:
    settings = Distil(
        learning_rate=1.5e-3,
        epochs=arguments.epochs,
        temperature=1.0,
        gold_weight=0.0,
        prior=_PRIOR,
        gold_as_soft=True,
        label_smoothing=_SMOOTHING,
    )
    tokenise = _tokenise(words)
    network = FirstNetwork(
        initial_weights(BertGraph(Graph(words.model.path), str(words.path)).weights()[_WORDS], arguments.seed)
    )
    stages = [
        (arguments.data, arguments.unlabelled, Stage(settings.learning_rate, settings.epochs)),
        (arguments.recent, [], Stage(3e-4, 1.0)),
    ]
    known: dict[str, Any] = {}
    for data, unlabelled, stage in stages:
        if not data:
            continue
        read = read_run_data(DataFiles(data, arguments.dev, unlabelled, arguments.soft_labels), settings)
        if read.distilled is None:
            raise RuntimeError("soft labels were given, but not read")
        texts = [*(tweet.text for tweet in read.distilled.labelled), *read.distilled.unlabelled]
        train(network, tokenise(texts), read.distilled.probabilities, stage, arguments.seed, _progress)
        dev_rows = tokenise([tweet.text for tweet in read.dev])
        recall = _scores(predict(network, dev_rows), read.dev).macro_recall
        _progress(f"macro-recall on {arguments.dev.name}: {100 * recall:.1f}")
        known = known or {
            "data": [path.name for path in arguments.data],
            "soft_labels": [path.name for path in arguments.soft_labels],
            "labelled_tweets": len(read.distilled.labelled),
            "unlabelled_tweets": len(read.distilled.unlabelled),
            "epochs": settings.epochs,
            "seed": arguments.seed,
        }
    return Trained(network, read.dev, dev_rows, known)


def write_bundle(out: Path, words: Bundle, trained: Trained) -> None:
    """Convert a network to an int8 bundle with another bundle's tokenizer, and compare both on the dev tweets."""
    model = converted(trained.network.for_conversion(), (INPUT,), "int8")
    with replacing(out) as folder:
        folder.mkdir()
        (folder / MODEL_FILE).write_bytes(model)
        (folder / TOKENIZER_FILE).write_bytes(words.tokenizer.path.read_bytes())
        _write_manifest(folder, words, trained, {})
        own = predict(trained.network, trained.dev_rows)
        rows = [row.tolist() for row in trained.dev_rows]
        of_bundle = logits_by_length(Classifier(load_bundle(folder)).logits, rows)
        scores = _scores(of_bundle, trained.dev)
        difference = np.abs(own - of_bundle)
        _write_manifest(
            folder,
            words,
            trained,
            {
                "scores": scores.as_json(),
                "agreement": {
                    "with": "the network in float32",
                    "tweets": len(rows),
                    "logits_difference": {
                        "mean": round(float(difference.mean()), 6),
                        "max": round(float(difference.max()), 6),
                    },
                    "equal_labels": round(float((own.argmax(1) == of_bundle.argmax(1)).mean()), 4),
                },
            },
        )
    _progress(f"{out}: {len(model) / 1e6:.1f} MB, macro-recall {100 * scores.macro_recall:.1f}")


def _write_manifest(folder: Path, words: Bundle, trained: Trained, results: Mapping[str, Any]) -> None:
    manifest = Manifest(
        schema=1,
        name="minilm-first",
        base=words.manifest.base,
        precision="int8",
        labels=list(POLARITIES),
        languages=words.manifest.languages,
        cleaning=_CLEANING,
        max_tokens=words.manifest.max_tokens,
        length_buckets=length_buckets(words.manifest.max_tokens),
        files={name: file_sha256(folder / name) for name in (MODEL_FILE, TOKENIZER_FILE)},
        licence=words.manifest.licence,
        source={
            "words": f"principal components of the word embeddings of {words.manifest.name}, sha256 {words.sha256:.12}",
            "converter": f"tensorflow {tf.__version__}",
            "base_licence": words.manifest.licence,
        },
        training={
            **trained.training,
            "limits": [
                "It is meant to answer first in a cascade, before `default`. By itself it is much worse.",
                "It was trained on English tweets of 2013 to 2016.",
            ],
        },
        **results,
    )
    (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8")


def _tokenise(words: Bundle) -> Any:  # noqa: ANN401  (a local function)
    tokenizer, clean = Tokenizer(words), cleaner(_CLEANING.name, _CLEANING.version)

    def tokenise(texts: Sequence[str]) -> Rows:
        return [np.array(tokens.ids, np.int32) for tokens in tokenizer.encode_all([clean(text) for text in texts])]

    return tokenise


def _scores(logits: Array, tweets: Sequence[LabelledTweet]) -> Any:  # noqa: ANN401
    return score_columns(columns([tweet.polarity for tweet in tweets]), logits.argmax(axis=1))


def _progress(message: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {message}", flush=True)  # noqa: T201  (a program's output)


if __name__ == "__main__":
    main()
