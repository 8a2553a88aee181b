"""Lost sessions in quick succession, and their probable cause."""

from stream.errors import BrokerError
from stream.mqtt.reason_codes import Code

_QUICK_SECONDS = 10.0
_TAKEN_OVER_TO_HINT = 2
_QUICK_TO_HINT = 4


class Losses:
    """The losses of a node, over all its sessions.

    Args:
        node: The node's name.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._taken_over = 0
        self._quick = 0

    def hint(self, error: BrokerError, lasted_seconds: float) -> str:
        """Return what to add to the error of a lost session, empty at first.

        Two services with one name take the session from each other for ever. MQTT 5 says so; over MQTT 3.1.1 the broker
        closes the connection without a reason.

        Args:
            error: The error that ended the session.
            lasted_seconds: The time since the last connection was made.
        """
        self._taken_over += error.reason_code == Code.SESSION_TAKEN_OVER
        self._quick = self._quick + 1 if lasted_seconds < _QUICK_SECONDS and error.reason_code is None else 0
        if self._taken_over >= _TAKEN_OVER_TO_HINT or self._quick >= _QUICK_TO_HINT:
            return f"; is another service running as '{self._node}'?"
        return ""
