"""The posts that were received lately, so that a replay does not publish them again."""

from collections import OrderedDict

_MOST_REMEMBERED = 20_000


class RecentlySeen:
    """Remembers the last keys, up to a limit.

    Args:
        most: Number of keys remembered.
    """

    def __init__(self, most: int = _MOST_REMEMBERED) -> None:
        self._most = most
        self._keys: OrderedDict[bytes | str, None] = OrderedDict()

    def seen_before(self, key: bytes | str) -> bool:
        """Remember a key; return whether it was remembered already."""
        if key in self._keys:
            return True
        self._keys[key] = None
        if len(self._keys) > self._most:
            self._keys.popitem(last=False)
        return False
