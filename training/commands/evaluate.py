"""`starling evaluate`: scores of bundles on labelled tweets, side by side."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
import typer
from rich.console import Console

from stream.errors import InputError
from stream.model.bundle import SHIPPED_BUNDLE, find_bundle
from stream.model.loading import load_model
from stream.settings import DecisionSettings, ModelSettings
from training.commands.progress import tweet_progress
from training.data.tweets import LabelledTweet
from training.datasets import ReadOptions, read_dataset
from training.duplicates import distinct
from training.evaluation.baselines import baseline_labels
from training.evaluation.bootstrap import Difference, paired_differences
from training.evaluation.checklist import KindScores, check_model, checklist_grid, checklist_tweets
from training.evaluation.evaluation import Evaluation, evaluate
from training.evaluation.measures import MEASURES
from training.evaluation.plots import draw_plots
from training.evaluation.replab import ReplabScores, have_entities
from training.evaluation.tables import Grid, class_grid, difference_grid, replab_grid, score_grid

OutputFormat = Literal["terminal", "markdown", "json"]
_FILE_COLUMNS = 240
"""Width of the tables where stdout is not a terminal."""


@dataclass(frozen=True)
class EvaluationOptions:
    """Options of an evaluation and of its output."""

    seed: int = 0
    output: OutputFormat = "terminal"
    baseline_data: Sequence[Path] = ()
    """Training data of the baselines."""
    plots: Path | None = None
    """Folder into which plots are written; None: no plots."""
    decision: DecisionSettings | None = None
    """The settings of the decision for a polarity; None: the most probable one."""
    checklist: bool = False
    """True if the accuracy by kind of everyday tweet is shown too."""
    cascade: ModelSettings | None = None
    """A cascade before each bundle: its first bundle and its threshold; None: there is none."""


def evaluate_bundles(
    bundles: Sequence[Path], data: Sequence[Path], read_options: ReadOptions, options: EvaluationOptions
) -> None:
    """Evaluate bundles on the same tweets; print tables or one JSON object on stdout.

    Args:
        bundles: Folders of the bundles; empty: the shipped bundle.
        data: Labelled tweets; empty: only the everyday tweets are evaluated.
        read_options: Format and columns of the data.
        options: Seed and output.

    Raises:
        StarlingError: The data or a bundle cannot be used, or a plot cannot be written.
    """
    named = _named(bundles or [SHIPPED_BUNDLE])
    checked = {name: check_bundle(path, name) for name, path in named.items()} if options.checklist else {}
    if not data:
        _show_checklist(checked, options.output)
        return
    tweets = read_evaluation_tweets(data, read_options)
    evaluations = {}
    for name, path in named.items():
        evaluations[name] = evaluate_bundle(path, tweets, options.seed, name, options.decision)
        if reads_entities(evaluations[name]):
            bare = f"{name} without entity"
            evaluations[bare] = evaluate_bundle(path, tweets, options.seed, bare, options.decision, with_entity=False)
        if options.cascade:
            cascade = options.cascade.model_copy(update={"path": path})
            both = f"{cascade.cascade} before {name}"
            evaluations[both] = evaluate_model(cascade, tweets, options.seed, both, options.decision)
    differences = _differences(evaluations, options.seed)
    baselines = _baselines(tweets, options.baseline_data, read_options)
    if options.plots:
        _draw(evaluations, options.plots)
    if options.output == "json":
        content = _as_json(evaluations, baselines, differences, data) | _checklist_as_json(checked)
        typer.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    else:
        grids = [*_grids(evaluations, baselines, differences), *([checklist_grid(checked)] if checked else [])]
        show_grids(grids, as_markdown=options.output == "markdown")


def read_evaluation_tweets(data: Sequence[Path], read_options: ReadOptions) -> list[LabelledTweet]:
    """Read the tweets for an evaluation: each id once; equal texts with different ids stay, as in benchmarks.

    The number of labelled tweets that cannot be used is printed on stderr, because scores of a part differ from those
    of the whole.

    Raises:
        InputError: The data cannot be read.
    """
    dataset = read_dataset(data, read_options)
    for reason, count in {**dataset.left_out, "without their text": len(dataset.ids_without_text)}.items():
        if count:
            typer.echo(f"left out: {count:,} labelled tweets {reason}", err=True)
    return distinct(dataset.tweets, by_text=False)


def evaluate_bundle(
    path: Path,
    tweets: Sequence[LabelledTweet],
    seed: int,
    name: str,
    decision: DecisionSettings | None = None,
    *,
    with_entity: bool = True,
) -> Evaluation:
    """Evaluate one bundle, with a progress bar on stderr.

    Args:
        path: Folder of the bundle.
        tweets: Labelled tweets.
        seed: Seed of the bootstrap.
        name: Name for the progress bar.
        decision: The settings of the decision for a polarity; None: the most probable one.
        with_entity: Whether a model that reads entities is given those of the tweets.

    Raises:
        BundleError: The bundle cannot be used.
        InputError: The decision rejects all tweets.
    """
    return evaluate_model(ModelSettings(path=path), tweets, seed, name, decision, with_entity=with_entity)


def evaluate_model(
    settings: ModelSettings,
    tweets: Sequence[LabelledTweet],
    seed: int,
    name: str,
    decision: DecisionSettings | None = None,
    *,
    with_entity: bool = True,
) -> Evaluation:
    """Evaluate the bundle or the cascade of some settings, as `evaluate_bundle` does.

    Raises:
        BundleError: A bundle cannot be used.
        InputError: The decision rejects all tweets.
    """
    model = load_model(settings)
    with tweet_progress(name, len(tweets)) as on_done:
        return evaluate(model, tweets, seed, on_done, decision, with_entity=with_entity)


def check_bundle(path: Path, name: str) -> KindScores:
    """Return the accuracy of a bundle by kind of everyday tweet, with a progress bar on stderr.

    Args:
        path: Folder of the bundle.
        name: Name for the progress bar.

    Raises:
        BundleError: The bundle cannot be used.
    """
    model = load_model(ModelSettings(path=path))
    with tweet_progress(f"{name}, everyday tweets", sum(map(len, checklist_tweets().values()))) as on_done:
        return check_model(model, on_done)


def _show_checklist(checked: Mapping[str, KindScores], output: OutputFormat) -> None:
    if output == "json":
        typer.echo(orjson.dumps(_checklist_as_json(checked), option=orjson.OPT_INDENT_2))
    else:
        show_grids([checklist_grid(checked)], as_markdown=output == "markdown")


def _checklist_as_json(checked: Mapping[str, KindScores]) -> dict[str, Any]:
    if not checked:
        return {}
    return {
        "checklist": {
            name: {kind: score.as_json() for kind, score in scores.items()} for name, scores in checked.items()
        }
    }


def reads_entities(evaluation: Evaluation) -> bool:
    """Return whether the bundle read entities of the tweets."""
    return evaluation.manifest.inputs.entity and any(tweet.entity for tweet in evaluation.tweets)


def _named(bundles: Sequence[Path]) -> dict[str, Path]:
    """Name bundles by their folders, with as many parent folders as are needed to make the names unique."""
    paths = list(dict.fromkeys(find_bundle(path).resolve() for path in bundles))
    parts = 1
    while len(names := {"/".join(path.parts[-parts:]): path for path in paths}) < len(paths):
        parts += 1
    return names


def _differences(evaluations: Mapping[str, Evaluation], seed: int) -> dict[str, dict[str, Difference]]:
    first, *others = evaluations
    before = evaluations[first]
    return {name: _paired(before, evaluations[name], seed) for name in others}


def _paired(first: Evaluation, second: Evaluation, seed: int) -> dict[str, Difference]:
    """Compare two bundles on the tweets that both label.

    Raises:
        InputError: There is none.
    """
    _, of_first, of_second = np.intersect1d(first.places, second.places, return_indices=True)
    if not len(of_first):
        raise InputError("the bundles label no tweet in common: lower --threshold, or evaluate them one by one")
    gold, labels = first.gold[of_first], first.predicted[of_first]
    return paired_differences(gold, labels, second.predicted[of_second], MEASURES, seed)


def _draw(evaluations: Mapping[str, Evaluation], folder: Path) -> None:
    with plotting(folder):
        for name, evaluation in evaluations.items():
            draw_plots(evaluation, name.replace("/", "-").strip("-"), folder)


@contextmanager
def plotting(folder: Path) -> Iterator[None]:
    """Explain errors of writing plots.

    Raises:
        InputError: A plot cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write plots to {folder}: {error.strerror or error}") from error


def _baselines(
    tweets: Sequence[LabelledTweet], data: Sequence[Path], read_options: ReadOptions
) -> dict[str, ReplabScores]:
    """Return the scores of the baselines; none if a tweet has no entity."""
    if not have_entities(tweets):
        return {}
    train = distinct(read_dataset(data, read_options).tweets) if data else []
    return {name: ReplabScores(tweets, labels) for name, labels in baseline_labels(tweets, train).items()}


def _grids(
    evaluations: Mapping[str, Evaluation],
    baselines: Mapping[str, ReplabScores],
    differences: Mapping[str, Mapping[str, Difference]],
) -> list[Grid]:
    grids = [score_grid(evaluations), *(class_grid(name, each) for name, each in evaluations.items())]
    replab = {name: each.replab for name, each in evaluations.items() if each.replab}
    if replab:
        grids.append(replab_grid({**replab, **baselines}))
    return [*grids, difference_grid(next(iter(evaluations)), differences)] if differences else grids


def show_grids(grids: Sequence[Grid], *, as_markdown: bool = False) -> None:
    """Print tables on stdout, for a terminal or as Markdown."""
    if as_markdown:
        typer.echo("\n".join(grid.markdown() for grid in grids), nl=False)
        return
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_COLUMNS
    for grid in grids:
        console.print(grid.terminal())


def _as_json(
    evaluations: Mapping[str, Evaluation],
    baselines: Mapping[str, ReplabScores],
    differences: Mapping[str, Mapping[str, Difference]],
    data: Sequence[Path],
) -> dict[str, Any]:
    return {
        "data": [path.name for path in data],
        "bundles": {name: evaluation.as_json() for name, evaluation in evaluations.items()},
        "baselines": {name: scores.as_json() for name, scores in baselines.items()},
        "more_than_first": {
            name: {measure: difference.as_json() for measure, difference in each.items()}
            for name, each in differences.items()
        },
    }
