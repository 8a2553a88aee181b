"""Tables of evaluations, for a terminal or as Markdown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from rich import box
from rich.table import Table

from stream.tweets.polarity import POLARITIES
from training.evaluation.bootstrap import Difference
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
    first = next(iter(evaluations.values()))
    rows = [_measure_row(name, evaluations) for name in MEASURES]
    rows += [_quantity_row(quantity, evaluations) for quantity in _QUANTITIES]
    several = ("mean ± sd",) if len(evaluations) > 1 else ()
    title = f"{len(first.tweets):,} tweets; 95 % intervals by bootstrap"
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


def _measure_row(name: str, evaluations: Evaluations) -> tuple[str, ...]:
    def cell(evaluation: Evaluation) -> str:
        interval = evaluation.intervals[name]
        value = 100 * MEASURES[name](evaluation.scores)
        return f"{value:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"

    cells = [cell(evaluation) for evaluation in evaluations.values()]
    values = [100 * MEASURES[name](evaluation.scores) for evaluation in evaluations.values()]
    return (TITLES[name], *cells, *_mean_and_deviation(values))


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
