"""The paper's headline comparison: accuracy, speed and size against the baseline, the largest model."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from training.report.document import Table
from training.report.paper import PAPER, Paper
from training.report.quantities import Quantity
from training.report.rows import Row
from training.report.spread import student_t
from training.report.tables import UNKNOWN, precision_name, rounded

Q = Quantity
_Z = 1.96


@dataclass(frozen=True)
class Difference:
    """A difference of means with half its 95 % interval."""

    value: float
    half_interval: float
    is_paired: bool
    """True if the runs were compared seed by seed."""


def baseline_of(rows: Sequence[Row]) -> Row | None:
    """Return the largest model with scores; None: no model has a known size."""
    sized = [row for row in rows if row.model_bytes and row.has_scores]
    return max(sized, key=lambda row: row.model_bytes or 0.0, default=None)


def table_of_baseline(rows: Sequence[Row], paper: Paper | None) -> Table:
    """Compare each row with the largest model that was run, and the paper's rows with BERT Large."""
    baseline = baseline_of(rows)
    others = [row for row in rows if row is not baseline]
    body = [_line(row, _on_same_device(row, rows, baseline)) for row in others] if baseline else []
    if paper:
        body += _paper_lines(paper)
    head = (
        "Device",
        "Model",
        "Weights",
        "Baseline",
        "Accuracy drop (points)",
        "Accuracy drop (%)",
        "Slowdown",
        "Size",
    )
    notes = (
        (
            "± is half the 95 % interval: over the seeds, compared seed by seed where both have the same seeds and "
            "tweets; else of other tweets of the same kind. Slowdown below 1 is faster. Size is the baseline's weights "
            "by the file of the row."
        ),
        (
            "The paper prints neither accuracy nor time of BERT Large: its ratios as printed and, in brackets, as its "
            "other numbers imply."
        ),
    )
    return Table("Against the baseline", head, tuple(body), notes, columns_of_words=4)


def _on_same_device(row: Row, rows: Sequence[Row], baseline: Row) -> Row:
    """Return the baseline's run on the row's device if there is one."""
    same = (each for each in rows if each.device == row.device and each.model == baseline.model)
    return next((each for each in same if each.precision == baseline.precision), baseline)


def accuracy_difference(row: Row, other: Row) -> Difference | None:
    """Return the accuracy of a row minus that of another; None: one is not known."""
    ours, theirs = row.values.get(Q.ACCURACY), other.values.get(Q.ACCURACY)
    if ours is None or theirs is None:
        return None
    value = ours.mean - theirs.mean
    same_tweets = row.data_sha256 == other.data_sha256 and row.tweets * other.runs == other.tweets * row.runs
    if same_tweets and row.seeds == other.seeds and len(ours.values) == len(theirs.values) > 1:
        differences = [one - two for one, two in zip(ours.values, theirs.values, strict=True)]
        count = len(differences)
        half = student_t(count - 1) * statistics.stdev(differences) / math.sqrt(count)
        return Difference(value, half, is_paired=True)
    return Difference(value, _Z * math.hypot(_sampling_error(row), _sampling_error(other)), is_paired=False)


def _sampling_error(row: Row) -> float:
    """Return the standard error of an accuracy for other tweets of the same kind."""
    accuracy = row.mean(Q.ACCURACY) or 0.0
    tweets = row.tweets / row.runs if row.tweets else 0.0
    if not tweets:
        return (row.values[Q.ACCURACY].stated_deviation or 0.0) if Q.ACCURACY in row.values else 0.0
    return math.sqrt(accuracy * (1 - accuracy) / tweets)


def _line(row: Row, baseline: Row) -> tuple[str, ...]:
    drop = accuracy_difference(baseline, row)
    points = relative = UNKNOWN
    if drop:
        points = f"{_tenths(100 * drop.value)} ± {_tenths(100 * drop.half_interval)}"
        relative = _tenths(100 * drop.value / (baseline.mean(Q.ACCURACY) or 1.0))
    size = row.mean(Q.FILE_BYTES)
    ratio = f"{(baseline.model_bytes or 0.0) / size:.3g} times smaller" if size else UNKNOWN
    elsewhere = "" if baseline.device == row.device else f" on {baseline.device}"
    names = row.device, row.model, precision_name(row.precision), baseline.model + elsewhere
    return *names, points, relative, _slowdown(row, baseline), ratio


def _tenths(value: float) -> str:
    """Write a number with one decimal place, and zero without a sign."""
    return f"{round(value, 1) + 0.0:.1f}"


def _slowdown(row: Row, baseline: Row) -> str:
    ours, theirs = row.mean(Q.SECONDS_PER_TWEET), baseline.mean(Q.SECONDS_PER_TWEET)
    return f"{rounded(ours / theirs, 3)} times" if ours and theirs else UNKNOWN


def _paper_lines(paper: Paper) -> list[tuple[str, ...]]:
    text = paper.text
    rows = (
        ("Raspberry Pi 3B", "float32", text.slowdown_3b_float32.value),
        ("Raspberry Pi 3B+", "float32", text.slowdown_3b_plus_float32.value),
        ("Raspberry Pi 4B", "int8", text.slowdown_4b_int8.value),
    )
    first = paper.row(*rows[0][:2]).seconds_per_tweet.value / rows[0][2]
    weights = 4 * text.bert_large_parameters.value
    lines: list[tuple[str, ...]] = []
    for device, precision, printed in rows:
        row = paper.row(device, precision)
        size = row.file_bytes.value
        implied = row.seconds_per_tweet.value / first
        last = precision == "int8"
        lines.append(
            (
                device + PAPER,
                "mobilebert",
                precision_name(precision),
                "BERT Large on a workstation",
                UNKNOWN,
                f"{100 * text.accuracy_drop.value:g}, of what is not clear" if last else UNKNOWN,
                f"{printed:g} times" + ("" if math.isclose(implied, printed, rel_tol=0.01) else f" ({implied:.2f})"),
                f"{text.bert_large_bytes.value / size:.3g} times smaller ({weights / size:.3g} by weights)",
            )
        )
    return lines
