"""The version of MQTT that a broker speaks, found out where the settings do not say."""

import logging

from stream.errors import BrokerError
from stream.mqtt.reason_codes import Code
from stream.settings import BrokerSettings

logger = logging.getLogger(__name__)


class Versions:
    """The versions to try, and what earlier connections to the same broker have shown.

    MQTT 5 is tried first. MQTT 3.1.1 follows where the broker refuses MQTT 5, or ends the connection instead of
    accepting it; but not the latter once MQTT 5 has worked, for then the broker has another reason to hang up. A broker
    that knows MQTT 3.1.1 alone may also take the longer CONNECT of MQTT 5 for the start of a packet, and wait for the
    rest. If it then accepts MQTT 3.1.1, that version is tried first from then on, to save the wait.

    Args:
        settings: The broker's settings.
    """

    def __init__(self, settings: BrokerSettings) -> None:
        self._protocol = settings.protocol
        self._works_with_5 = False
        self._refuses_5 = False
        self._silent_to_5 = False

    def to_try(self) -> tuple[bool, ...]:
        """Return, for each attempt, whether it is made with MQTT 5."""
        if self._protocol != "auto":
            return (self._protocol == "5",)
        return (False, True) if self._refuses_5 else (True, False)

    def accepted(self, *, version_5: bool) -> None:
        """Note that a connection was accepted."""
        self._works_with_5 = self._works_with_5 or version_5
        if self._silent_to_5 and not version_5 and not self._refuses_5:
            self._refuses_5 = True
            logger.warning(
                "the broker does not answer MQTT 5, so MQTT 3.1.1 is used; set broker.protocol to '3.1.1' to save the "
                "wait, or to '5' if the broker speaks it"
            )

    def other_may_help(self, error: BrokerError, *, hung_up: bool, silent: bool) -> bool:
        """Return whether the other version may work where one has failed with this error."""
        if error.reason_code == Code.UNSUPPORTED_PROTOCOL_VERSION:
            self._refuses_5, self._works_with_5 = not self._refuses_5, False
            return True
        if silent and not self._works_with_5 and not self._refuses_5:
            self._silent_to_5 = True
            return True
        return hung_up and not self._works_with_5
