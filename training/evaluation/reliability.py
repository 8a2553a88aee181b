"""RepLab's measure of polarity: reliability and sensitivity (Amigó, Gonzalo and Verdejo, SIGIR 2013).

Polarities are in order, negative before neutral before positive, and labels are taken for the relations 'is less than'
that they put between two tweets. Reliability is the precision of those relations, sensitivity their recall, F their
harmonic mean. A polar tweet that is taken for neutral keeps its relations to the opposite pole; one that is taken for
its opposite loses them all.

Each tweet counts the same: its own share is that of its relations, and the mean is taken over the tweets that have any.
RepLab takes the three for each entity, and their means over the entities.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.tweets.polarity import POLARITIES

Confusion = NDArray[np.int64]
_RANK = np.arange(len(POLARITIES))
_ORDER = np.sign(_RANK[:, None] - _RANK[None, :])
"""Row less than, equal to or greater than column: -1, 0 or 1."""
# [gold of one, given to it, gold of the other, given to it]: whether both put the same relation between the two.
_SAME_RELATION = (_ORDER[:, None, :, None] == _ORDER[None, :, None, :]) & (_ORDER[:, None, :, None] != 0)


@dataclass(frozen=True)
class Reliability:
    """All from 0 to 1."""

    reliability: float
    sensitivity: float
    f: float

    def as_json(self) -> dict[str, float]:
        """Rounded to four places."""
        return {
            "reliability": round(self.reliability, 4),
            "sensitivity": round(self.sensitivity, 4),
            "f": round(self.f, 4),
        }


def reliability(confusion: Confusion) -> Reliability:
    """Measure one set of tweets.

    Args:
        confusion: Tweets by gold label (rows) and given label (columns), in the order of POLARITIES.
    """
    precise = _mean_share(confusion, related=confusion.sum() - confusion.sum(axis=0)[None, :])
    recalled = _mean_share(confusion, related=confusion.sum() - confusion.sum(axis=1)[:, None])
    whole = precise + recalled
    return Reliability(precise, recalled, 2 * precise * recalled / whole if whole else 0.0)


def mean_reliability(confusions: Sequence[Confusion]) -> Reliability:
    """Measure each entity's tweets, and take the means of the three over the entities, as RepLab does."""
    each = [reliability(confusion) for confusion in confusions]
    means = np.mean([(one.reliability, one.sensitivity, one.f) for one in each], axis=0)
    return Reliability(*means.tolist())


def _mean_share(confusion: Confusion, related: NDArray[np.int64]) -> float:
    """The mean, over the tweets that are related to others, of the share of relations that gold and given agree on.

    Args:
        confusion: As above.
        related: How many tweets one of each cell is related to; broadcasts to the confusion's shape.
    """
    agreed = np.einsum("abcd,cd->ab", _SAME_RELATION, confusion)
    counted = np.where(related > 0, confusion, 0)
    if not counted.sum():
        return 0.0
    return float((counted * agreed / np.maximum(related, 1)).sum() / counted.sum())
