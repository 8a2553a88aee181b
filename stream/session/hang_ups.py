"""Search for a message for which the broker closes the connection, in place of refusing it.

MQTT 3.1.1 has no way to refuse a message, and some brokers use none: Mosquitto closes the connection on a message
beyond its `max_packet_size`. Sent again after each reconnect, such a message would keep the node from ever labelling
another. So after some losses in quick succession results are published one at a time; one that was the only one in
flight at several losses in a row counts as refused.
"""

import time

_LOSSES_TOGETHER = 2
"""Lost connections in quick succession, with results in flight, after which they are published one at a time."""
_LOSSES_ALONE = 3
"""Losses in a row, with the same result alone in flight, after which it counts as refused."""
_CONFIRMED_TO_END = 256
"""Results confirmed in a row after which they are published together again."""

Key = tuple[str, bytes]
"""A kind of result, and the hash of the message that it is the result of."""


class HangUps:
    """Common features of the lost connections of a node.

    Args:
        calm_seconds: A connection that lasted longer was not lost in quick succession.
    """

    def __init__(self, calm_seconds: float) -> None:
        self._calm_seconds = calm_seconds
        self._connected_at = time.monotonic()
        self._counted = True
        self._losses = 0
        self._suspect: Key | None = None
        self._suspect_losses = 0
        self._confirmed = 0

    @property
    def one_at_a_time(self) -> bool:
        """True if results are to be published one at a time."""
        return self._losses >= _LOSSES_TOGETHER

    def connected(self) -> None:
        """Note a new connection."""
        self._connected_at = time.monotonic()
        self._counted = False

    def lost(self, key: Key | None = None) -> bool:
        """Note that the connection was lost with results in flight.

        Args:
            key: The result, if it was the only one in flight.

        Returns:
            Whether the broker closes the connection on that result.
        """
        if self._counted:
            return False
        self._counted = True
        if time.monotonic() - self._connected_at > self._calm_seconds:
            self._losses = 0
        self._losses += 1
        self._confirmed = 0
        if key is None:
            return False
        self._suspect_losses = self._suspect_losses + 1 if key == self._suspect else 1
        self._suspect = key
        return self._suspect_losses >= _LOSSES_ALONE

    def explain(self) -> None:
        """Note that the broker has refused a result; Mosquitto closes the connection after some refusals."""
        self._counted = True

    def confirmed(self) -> None:
        """Note that a result was confirmed which was published alone."""
        self._confirmed += 1
        if self._confirmed >= _CONFIRMED_TO_END:
            self._losses = 0
