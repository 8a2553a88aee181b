"""`starling calibrate --cascade`: fits the threshold of a cascade of two bundles on labelled tweets."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer

from stream.commands.decision import model_settings
from stream.errors import InputError
from stream.model.bundle import Bundle, find_bundle, load_bundle
from stream.model.loading import load_model
from stream.model.macs import mean_macs
from stream.settings import ModelSettings
from stream.tweets.polarity import POLARITIES
from stream.tweets.tweet import Tweet
from training.commands.evaluate import evaluate_bundle, read_evaluation_tweets, show_grids
from training.data.tweets import LabelledTweet
from training.datasets import ReadOptions
from training.evaluation.bootstrap import Difference, paired_differences
from training.evaluation.cascade import (
    CascadeTweets,
    CrossFitted,
    check_all_classes,
    cross_fit_threshold,
    fit_threshold,
    loss_curve,
)
from training.evaluation.evaluation import Evaluation
from training.evaluation.measures import MEASURES
from training.evaluation.tables import Grid
from training.scores import score_columns

_PLACES = 4
"""Decimal places of the threshold, which is rounded up, so that no more tweets are answered by the first model."""
_SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
_MEASURED_TWEETS = 1000
"""Tweets for the measurement of the processor time, at most."""
_BATCH = 8


@dataclass(frozen=True)
class CascadeOptions:
    """Options of the fit of a threshold."""

    tolerance: float = 0.002
    """Loss of macro-recall against the second bundle, 0 to 1."""
    folds: int = 10
    """Number of folds of the cross-fitting."""
    seed: int = 0
    """Seed of the folds and of the bootstrap."""
    instructions: tuple[float, float] | None = None
    """Millions of instructions per tweet of both bundles; None: not stated."""
    settings_file: Path | None = None
    """File for the settings; None: they are printed."""


def calibrate_cascade(
    first: Path, second: Path, data: Sequence[Path], read_options: ReadOptions, options: CascadeOptions
) -> None:
    """Fit the threshold of a cascade, and print it as settings, with its expected scores and costs.

    Args:
        first: Folder of the bundle that answers first.
        second: Folder of the bundle that tweets are passed on to.
        data: Labelled tweets that neither model was trained on.
        read_options: Format and columns of the data.
        options: Tolerance, cross-fitting and output.

    Raises:
        StarlingError: The data or a bundle cannot be used, or the settings cannot be written.
    """
    tweets = read_evaluation_tweets(data, read_options)
    bundles = load_bundle(first), load_bundle(second)
    for bundle in bundles:
        _warn_of_training_data(bundle, data)
    load_model(model_settings(second, first, "0"))  # checks that they are different and fit together
    evaluations = [
        evaluate_bundle(path, tweets, options.seed, find_bundle(path).resolve().name) for path in (first, second)
    ]
    answers = CascadeTweets.of(evaluations[0].gold, *(each.probabilities for each in evaluations))
    check_all_classes(answers.gold)
    threshold = math.ceil(fit_threshold(answers, options.tolerance) * 10**_PLACES) / 10**_PLACES
    crossed = cross_fit_threshold(answers, options.tolerance, options.folds, options.seed)
    _report(answers, evaluations, crossed, threshold, options)
    _report_costs(bundles, (first, second), tweets, float(crossed.passed_on.mean()), options)
    content = settings_text(first, second, threshold)
    if options.settings_file is None:
        typer.echo(f"\n{content}", nl=False)
        return
    try:
        options.settings_file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {options.settings_file}: {error.strerror}") from error
    typer.echo(f"settings written to {options.settings_file}")


def settings_text(first: Path, second: Path, threshold: float) -> str:
    """Return the settings of a cascade as TOML."""
    path = "" if find_bundle(second) == find_bundle(None) or str(second) == "default" else f"path = {_toml(second)}\n"
    return f"[model]\n{path}cascade = {_toml(first)}\ncascade_threshold = {threshold:g}\n"


def _toml(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)  # a string of JSON is one of TOML


def _warn_of_training_data(bundle: Bundle, data: Sequence[Path]) -> None:
    known = {file.name for file in data} & set(map(str, bundle.manifest.training.get("data", [])))
    if known:
        typer.echo(
            f"warning: {bundle.manifest.name} was trained on files of the same name, {', '.join(sorted(known))}; a "
            "threshold needs tweets that neither model was trained on",
            err=True,
        )


def _report(
    answers: CascadeTweets,
    evaluations: Sequence[Evaluation],
    crossed: CrossFitted,
    threshold: float,
    options: CascadeOptions,
) -> None:
    names = [each.manifest.name for each in evaluations]
    scores = [each.scores for each in evaluations]
    both = score_columns(answers.gold, crossed.predicted)
    header = ("%", f"{names[0]} alone", f"{names[1]} alone", "cascade, cross-fitted")
    rows = [("macro-recall", *(f"{100 * each.macro_recall:.1f}" for each in (*scores, both)))]
    rows += [
        (f"recall of {polarity}", *(f"{100 * each.recall[number]:.1f}" for each in (*scores, both)))
        for number, polarity in enumerate(POLARITIES)
    ]
    rows.append(("passed on", "0.0", "100.0", f"{100 * crossed.passed_on.mean():.1f}"))
    reference = scores[1].macro_recall
    curve: list[tuple[str, ...]] = [
        (f"{at:.4f}", f"{100 * share:.1f}", f"{100 * recall:.1f}", f"{100 * (recall - reference):+.2f}")
        for at, share, recall in loss_curve(answers, _SHARES)
    ]
    show_grids(
        [
            Grid("Scores", header, rows),
            Grid("Thresholds", ("threshold", "passed on, %", "macro-recall", f"more than {names[1]} alone"), curve),
        ]
    )
    loss = macro_recall_difference(answers, crossed, options.seed)
    low, high = 100 * loss.interval.low, 100 * loss.interval.high
    passed_on = answers.passed_on(threshold)
    typer.echo(
        f"threshold {threshold:g}: {passed_on.mean():.1%} of {len(answers):,} tweets are passed on; cross-fitted "
        f"{crossed.passed_on.mean():.1%}, and macro-recall {100 * loss.value:+.2f} [{low:+.2f}, {high:+.2f}] points "
        f"against {names[1]} alone (allowed: -{100 * options.tolerance:g})"
    )
    if loss.value < -options.tolerance:
        typer.echo("the cross-fitted loss is larger than allowed: the threshold is too low by chance; use more tweets")


def macro_recall_difference(answers: CascadeTweets, crossed: CrossFitted, seed: int) -> Difference:
    """Return the macro-recall of the cascade minus that of the second model, with its interval."""
    measure = {"macro_recall": MEASURES["macro_recall"]}
    return paired_differences(answers.gold, answers.second, crossed.predicted, measure, seed)["macro_recall"]


def _report_costs(
    bundles: Sequence[Bundle],
    paths: Sequence[Path],
    tweets: Sequence[LabelledTweet],
    passed_on: float,
    options: CascadeOptions,
) -> None:
    measured = [measure_cost(bundle, path, tweets) for bundle, path in zip(bundles, paths, strict=True)]
    costs = {
        "millions of multiply-accumulates": [each.macs / 1e6 for each in measured],
        "CPU ms, one thread, batches of 8": [each.cpu_milliseconds for each in measured],
    }
    if options.instructions is not None:
        costs["millions of instructions"] = list(options.instructions)
    rows: list[tuple[str, ...]] = []
    for title, (first, second) in costs.items():
        expected = first + passed_on * second
        share = f"{expected / second:.0%}" if second else ""
        rows.append((title, f"{first:.3g}", f"{second:.3g}", f"{expected:.3g}", share))
    header = ("per tweet", *(bundle.manifest.name for bundle in bundles), "cascade", "of the second")
    show_grids([Grid("Expected costs of inference", header, rows)])


@dataclass(frozen=True)
class Cost:
    """Mean cost of one inference of a bundle."""

    macs: float
    cpu_milliseconds: float


def measure_cost(bundle: Bundle, path: Path, tweets: Sequence[LabelledTweet]) -> Cost:
    """Count the multiply-accumulates of tweets at their own lengths, and measure the processor time of inference."""
    model = load_model(ModelSettings(path=path, interpreters=1, threads=1))
    some = [Tweet(tweet.id, tweet.text, tweet.entity) for tweet in tweets[:_MEASURED_TWEETS]]
    encoded = model.all_tokens(some, [model.clean(tweet.text) for tweet in some])
    rows = sorted((tokens.ids for tokens in encoded), key=len)
    classifier = model.classifiers[0]
    classifier.probabilities(rows[-_BATCH:])
    started = time.process_time()
    for place in range(0, len(rows), _BATCH):
        classifier.probabilities(rows[place : place + _BATCH])
    milliseconds = 1000 * (time.process_time() - started) / len(rows)
    return Cost(float(mean_macs(bundle.model.path, np.array([len(ids) for ids in rows]).tolist())), milliseconds)
