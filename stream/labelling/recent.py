"""Remembers what was just found out, so that it need not be found out again."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class RecentResults(Generic[Key, Value]):
    """The last `capacity` values by their keys; the oldest is forgotten first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def remember(self, key: Key, value: Value) -> None:
        """Store a value, which is the youngest now."""
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._capacity:
            self._values.popitem(last=False)

    def find(self, key: Key) -> Value | None:
        """Find the value of a key that was stored before."""
        return self._values.get(key)

    def __len__(self) -> int:
        return len(self._values)
