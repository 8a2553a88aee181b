"""The rows that no other row beats, with the uncertainty taken into account."""

import math
from collections.abc import Sequence

from training.report.baseline import accuracy_difference
from training.report.quantities import Quantity
from training.report.rows import Row
from training.report.tables import precision_name

Q = Quantity
_MEASURES = ((Q.TWEETS_PER_SECOND, 1), (Q.JOULES_PER_TWEET, -1))
"""Quantities that are better when high (1) or low (-1), beside the accuracy."""
_WORDS = {Q.TWEETS_PER_SECOND: "tweets per second", Q.JOULES_PER_TWEET: "joules per tweet"}


def measures_of(rows: Sequence[Row]) -> list[Quantity]:
    """Return the quantities by which all rows can be compared, beside the accuracy."""
    return [quantity for quantity, _ in _MEASURES if all(row.mean(quantity) is not None for row in rows)]


def unbeaten(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that no other row beats.

    A row beats another if it is better in at least one measure and worse in none, where 'better' and 'worse' mean by
    more than the 95 % interval of the difference.
    """
    measures = measures_of(rows)
    return [row for row in rows if not any(_beats(other, row, measures) for other in rows if other is not row)]


def unbeaten_in_words(rows: Sequence[Row]) -> str:
    """Say which rows no other beats."""
    scored = [row for row in rows if row.has_scores]
    names = [f"{row.model} at {precision_name(row.precision)} on {row.device}" for row in unbeaten(scored)]
    measures = " and ".join(["accuracy", *(_WORDS[quantity] for quantity in measures_of(scored))])
    return (
        f"By {measures}, no other row beats: {'; '.join(names)}. A row beats another if it is better in one of these "
        "by more than the 95 % interval of the difference, and worse in none by more than that."
    )


def _beats(one: Row, other: Row, measures: Sequence[Quantity]) -> bool:
    signs = [_accuracy_sign(one, other), *(_sign(one, other, quantity) for quantity in measures)]
    return min(signs) >= 0 and max(signs) > 0


def _accuracy_sign(one: Row, other: Row) -> int:
    difference = accuracy_difference(one, other)
    return 0 if difference is None else _significant(difference.value, difference.half_interval)


def _sign(one: Row, other: Row, quantity: Quantity) -> int:
    half = math.hypot(_half_interval(one, quantity), _half_interval(other, quantity))
    difference = (one.mean(quantity) or 0.0) - (other.mean(quantity) or 0.0)
    return dict(_MEASURES)[quantity] * _significant(difference, half)


def _half_interval(row: Row, quantity: Quantity) -> float:
    uncertainty = row.values[quantity].uncertainty
    return uncertainty.expanded if uncertainty else 0.0


def _significant(difference: float, half_interval: float) -> int:
    return 0 if abs(difference) <= half_interval else int(math.copysign(1, difference))
