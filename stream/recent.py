"""Remembers the labels that were just made, so that a tweet that the broker sends again is not classified again."""

from collections import OrderedDict


class RecentLabels:
    """The last `capacity` labels, as they went out, by tweet id; the oldest is forgotten first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._labels: OrderedDict[str, bytes] = OrderedDict()

    def remember(self, tweet_id: str, label: bytes) -> None:
        """Stores a label that is about to be published."""
        self._labels[tweet_id] = label
        self._labels.move_to_end(tweet_id)
        if len(self._labels) > self._capacity:
            self._labels.popitem(last=False)

    def find(self, tweet_id: str) -> bytes | None:
        """Finds the label of a tweet that was seen before."""
        return self._labels.get(tweet_id)

    def __len__(self) -> int:
        return len(self._labels)
