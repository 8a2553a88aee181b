"""Tables of evaluations, for a terminal or as Markdown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from rich import box
from rich.table import Table

from stream.tweets.polarity import POLARITIES
from training.evaluation.bootstrap import Difference
from training.evaluation.calibration_gain import Measured
from training.evaluation.evaluation import Evaluation
from training.evaluation.measures import MEASURES, TITLES
from training.evaluation.replab import TITLES as REPLAB_TITLES
from training.evaluation.replab import ReplabScores

Evaluations = Mapping[str, Evaluation]
"""Evaluations by name of the bundle."""


@dataclass(frozen=True)
class Quantity:
    """A value that is shown without an interval."""

    title: str
    of: Callable[[Evaluation], float]
    places: int = 1


_QUANTITIES = [
    Quantity("reliability", lambda one: 100 * one.reliability.reliability),
    Quantity("sensitivity", lambda one: 100 * one.reliability.sensitivity),
    Quantity("ECE", lambda one: 100 * one.calibration.expected_error),
    Quantity("Brier score (0 to 2)", lambda one: one.calibration.brier, places=3),
    Quantity("negative log-likelihood (nats)", lambda one: one.calibration.negative_log_likelihood, places=3),
]


_CALIBRATION_TITLES = {
    "before": "before",
    "temperature": "temperature alone",
    "biases": "temperature and biases",
    "scales": "scales and biases",
}


@dataclass(frozen=True)
class Grid:
    """Content of a table; the first column has the names of the rows."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def markdown(self) -> str:
        """Return the table as Markdown, with a bold title."""
        rule = "| --- |" + " ---: |" * (len(self.header) - 1)
        lines = [_line(self.header), rule, *map(_line, self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines]) + "\n"

    def terminal(self) -> Table:
        """Return the table for rich."""
        table = Table(title=self.title, box=box.SIMPLE_HEAD, title_justify="left")
        table.add_column(self.header[0])
        for name in self.header[1:]:
            table.add_column(name, justify="right")
        for row in self.rows:
            table.add_row(*row)
        return table


def score_grid(evaluations: Evaluations) -> Grid:
    """Return the scores of bundles with intervals; for several bundles also mean and standard deviation."""
    rows = [_measure_row(name, evaluations) for name in MEASURES]
    rows += [_quantity_row(quantity, evaluations) for quantity in _QUANTITIES]
    if any(each.uncalibrated for each in evaluations.values()):
        rows.append(("ECE without the calibration", *(_uncalibrated_error(each) for each in evaluations.values())))
    if any(each.confident < 1 for each in evaluations.values()):
        rows.append(("coverage", *(f"{100 * each.confident:.1f}" for each in evaluations.values())))
    if any(each.passed_on is not None for each in evaluations.values()):
        shares = ("" if each.passed_on is None else f"{100 * each.passed_on:.1f}" for each in evaluations.values())
        rows.append(("passed on", *shares))
    several = ("mean ± sd",) if len(evaluations) > 1 else ()
    rows = [row + ("",) * (1 + len(evaluations) + len(several) - len(row)) for row in rows]
    title = f"{_tweets(evaluations)} tweets; 95 % intervals by bootstrap"
    return Grid(title, ("%", *evaluations, *several), rows)


def class_grid(name: str, evaluation: Evaluation) -> Grid:
    """Return precision, recall, F1 and confusions of each class."""
    scores = evaluation.scores
    by_class = zip(POLARITIES, scores.confusion, scores.precision, scores.recall, scores.f1, strict=True)
    rows = [
        (polarity, f"{row.sum():,}", *(f"{count:,}" for count in row), *(f"{100 * share:.1f}" for share in shares))
        for polarity, row, *shares in by_class
    ]
    header = ("gold label", "tweets", *(f"as {polarity}" for polarity in POLARITIES), "precision", "recall", "F1")
    return Grid(name, header, rows)


def replab_grid(scores: Mapping[str, ReplabScores]) -> Grid:
    """Return RepLab's measures of bundles and baselines, by their names."""
    rows = [
        (title, *(f"{100 * each.overall[name]:.1f}" for each in scores.values()))
        for name, title in REPLAB_TITLES.items()
    ]
    rows += [
        (f"{title}, mean of entities", *(f"{100 * each.entity_means[name]:.1f}" for each in scores.values()))
        for name, title in REPLAB_TITLES.items()
    ]
    tweets = next(iter(scores.values())).tweets
    entities = len({tweet.entity for tweet in tweets})
    return Grid(f"RepLab's measures, {entities:,} entities, beside baselines", ("%", *scores), rows)


def difference_grid(first: str, differences: Mapping[str, Mapping[str, Difference]]) -> Grid:
    """Return the differences between other bundles and the first, by name and measure."""
    rows = [(TITLES[name], *(_difference(each[name]) for each in differences.values())) for name in MEASURES]
    return Grid(f"Difference from {first} in points, on the same tweets", ("", *differences), rows)


def calibration_grid(compared: Mapping[str, Measured], chosen: str) -> Grid:
    """Return the cross-fitted measures of methods of calibration, by their names, beside those before."""
    columns = list(compared.values())
    rows = [("macro-recall", *(f"{100 * each.scores.macro_recall:.1f}" for each in columns))]
    for place, polarity in enumerate(POLARITIES):
        rows.append((f"recall of {polarity}", *(f"{100 * each.scores.recall[place]:.1f}" for each in columns)))
    rows += [
        ("log-loss, classes weighted (nats)", *(f"{each.weighted.negative_log_likelihood:.4f}" for each in columns)),
        ("ECE", *(f"{100 * each.calibration.expected_error:.1f}" for each in columns)),
        ("ECE, classes weighted", *(f"{100 * each.weighted.expected_error:.1f}" for each in columns)),
    ]
    titles = [_CALIBRATION_TITLES[name] + (" (chosen)" if name == chosen else "") for name in compared]
    return Grid("On tweets that each calibration was not fitted on (cross-fitted)", ("%", *titles), rows)


def _measure_row(name: str, evaluations: Evaluations) -> tuple[str, ...]:
    def cell(evaluation: Evaluation) -> str:
        interval = evaluation.intervals[name]
        value = 100 * MEASURES[name](evaluation.scores)
        return f"{value:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"

    cells = [cell(evaluation) for evaluation in evaluations.values()]
    values = [100 * MEASURES[name](evaluation.scores) for evaluation in evaluations.values()]
    return (TITLES[name], *cells, *_mean_and_deviation(values))


def _tweets(evaluations: Evaluations) -> str:
    """Return the number of tweets that get a label; where it differs between the bundles, that of each."""
    return " / ".join(dict.fromkeys(f"{len(each.tweets):,}" for each in evaluations.values()))


def _uncalibrated_error(evaluation: Evaluation) -> str:
    return f"{100 * evaluation.uncalibrated.expected_error:.1f}" if evaluation.uncalibrated else "-"


def _quantity_row(quantity: Quantity, evaluations: Evaluations) -> tuple[str, ...]:
    values = [quantity.of(evaluation) for evaluation in evaluations.values()]
    return (
        quantity.title,
        *(f"{value:.{quantity.places}f}" for value in values),
        *_mean_and_deviation(values, quantity.places),
    )


def _mean_and_deviation(values: list[float], places: int = 1) -> tuple[str, ...]:
    if len(values) == 1:
        return ()
    return (f"{np.mean(values):.{places}f} ± {np.std(values, ddof=1):.{places + 1}f}",)


def _difference(difference: Difference) -> str:
    low, high = 100 * difference.interval.low, 100 * difference.interval.high
    return f"{100 * difference.value:+.1f} [{low:+.1f}, {high:+.1f}]"


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
