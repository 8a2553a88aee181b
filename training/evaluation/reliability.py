"""Reliability and sensitivity, RepLab's measures of polarity (Amigó, Gonzalo and Verdejo, SIGIR 2013).

Polarities are ordered: negative < neutral < positive. Labels therefore define relations 'less than' between two tweets.
Reliability is the precision of the predicted relations, sensitivity their recall, F their harmonic mean. A polar tweet
that is predicted neutral keeps its relations to tweets of the opposite polarity; one that is predicted as the opposite
polarity loses all of them.

Each tweet has the same weight: the share of correct relations is computed for each tweet and averaged over the tweets
that have relations. RepLab computes the three values for each entity and reports their means over the entities.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.tweets.polarity import POLARITIES

Confusion = NDArray[np.int64]
_RANK = np.arange(len(POLARITIES))
_ORDER = np.sign(_RANK[:, None] - _RANK[None, :])
"""Relation of row and column: -1 (less than), 0 (equal) or 1 (greater than)."""
# Index: [gold and predicted label of one tweet, gold and predicted label of the other]. True if both labellings relate
# the two tweets in the same way.
_SAME_RELATION = (_ORDER[:, None, :, None] == _ORDER[None, :, None, :]) & (_ORDER[:, None, :, None] != 0)


@dataclass(frozen=True)
class Reliability:
    """Reliability, sensitivity and their F, from 0 to 1."""

    reliability: float
    sensitivity: float
    f: float

    def as_json(self) -> dict[str, float]:
        """Return the values, rounded to four decimal places."""
        return {
            "reliability": round(self.reliability, 4),
            "sensitivity": round(self.sensitivity, 4),
            "f": round(self.f, 4),
        }


def reliability(confusion: Confusion) -> Reliability:
    """Measure one set of tweets.

    Args:
        confusion: Number of tweets by gold label (rows) and predicted label (columns), in the order of POLARITIES.
    """
    precision = _mean_share(confusion, related=confusion.sum() - confusion.sum(axis=0)[None, :])
    recall = _mean_share(confusion, related=confusion.sum() - confusion.sum(axis=1)[:, None])
    total = precision + recall
    return Reliability(precision, recall, 2 * precision * recall / total if total else 0.0)


def mean_reliability(confusions: Sequence[Confusion]) -> Reliability:
    """Return the means over entities, as RepLab reports them."""
    each = [reliability(confusion) for confusion in confusions]
    means = np.mean([(one.reliability, one.sensitivity, one.f) for one in each], axis=0)
    return Reliability(*means.tolist())


def _mean_share(confusion: Confusion, related: NDArray[np.int64]) -> float:
    """Return the mean share of relations of a tweet that are equal in both labellings, over tweets with relations.

    Args:
        confusion: Number of tweets by gold and predicted label.
        related: Number of relations of a tweet in each cell; broadcasts to the shape of `confusion`.
    """
    agreed = np.einsum("abcd,cd->ab", _SAME_RELATION, confusion)
    counted = np.where(related > 0, confusion, 0)
    if not counted.sum():
        return 0.0
    return float((counted * agreed / np.maximum(related, 1)).sum() / counted.sum())
