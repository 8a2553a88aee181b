"""A bounded memory of recent results, so that they need not be computed again."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class RecentResults(Generic[Key, Value]):
    """The last `capacity` values by key; the oldest is dropped first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def remember(self, key: Key, value: Value) -> None:
        """Store a value as the newest."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._capacity:
            self._values.popitem(last=False)

    def find(self, key: Key) -> Value | None:
        """Return a key's value, or None where it is not stored."""
        return self._values.get(key)

    def __len__(self) -> int:
        return len(self._values)
