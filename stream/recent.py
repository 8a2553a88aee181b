"""Remembers the labels that were just made, so that a tweet sent again is not classified again."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class RecentLabel:
    """A label as it went out."""

    payload: bytes
    published: bool = False
    """Whether the broker has confirmed it."""


class RecentLabels:
    """The last `capacity` labels by tweet id, oldest forgotten first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._labels: OrderedDict[str, RecentLabel] = OrderedDict()

    def remember(self, tweet_id: str, payload: bytes) -> RecentLabel:
        """Stores a label that is about to be published."""
        self._labels[tweet_id] = label = RecentLabel(payload)
        self._labels.move_to_end(tweet_id)
        if len(self._labels) > self._capacity:
            self._labels.popitem(last=False)
        return label

    def find(self, tweet_id: str) -> RecentLabel | None:
        """Finds the label of a tweet that was seen before."""
        return self._labels.get(tweet_id)

    def __len__(self) -> int:
        return len(self._labels)
