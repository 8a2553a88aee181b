"""The version of MQTT that a broker speaks, found out where the settings do not say."""

from stream.errors import BrokerError
from stream.mqtt.reason_codes import Code
from stream.settings import BrokerSettings


class Versions:
    """The versions to try, and what earlier connections to the same broker have shown.

    MQTT 5 is tried first. MQTT 3.1.1 follows where the broker refuses MQTT 5, or ends the connection instead of
    accepting it; but not the latter once MQTT 5 has worked, for then the broker has another reason to hang up.

    Args:
        settings: The broker's settings.
    """

    def __init__(self, settings: BrokerSettings) -> None:
        self._protocol = settings.protocol
        self._works_with_5 = False
        self._refuses_5 = False

    def to_try(self) -> tuple[bool, ...]:
        """Return, for each attempt, whether it is made with MQTT 5."""
        if self._protocol != "auto":
            return (self._protocol == "5",)
        return (False, True) if self._refuses_5 else (True, False)

    def accepted(self, *, version_5: bool) -> None:
        """Note that a connection was accepted."""
        self._works_with_5 = self._works_with_5 or version_5

    def other_may_help(self, error: BrokerError, *, hung_up: bool) -> bool:
        """Return whether the other version may work where one has failed with this error."""
        if error.reason_code == Code.UNSUPPORTED_PROTOCOL_VERSION:
            self._refuses_5, self._works_with_5 = not self._refuses_5, False
            return True
        return hung_up and not self._works_with_5
