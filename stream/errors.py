"""The errors that Starling shows its users, each one line that says what was wrong, where, and what to do.

    StarlingError
    ├── SettingsError   a key, a value or a file of the settings
    ├── BundleError     a model bundle that is missing, damaged or not of this service's kind
    ├── BrokerError     the MQTT broker: unreachable, refusing, or lost
    │   └── PublicationRefusedError   it is there and does not want a message
    ├── ListenError     an address that the service should listen on and cannot
    ├── MeterError      the power meter: not there, silent, or refusing
    ├── InputError      a file that a command should read or write
    ├── BenchError      a measurement that cannot be made, or would mean nothing
    └── LostTweetsError tweets that ended neither as a label nor as a rejection

The exit codes are those of sysexits.h, so that a shell or systemd can tell the kinds apart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class StarlingError(Exception):
    """Whatever Starling tells its user in one line instead of a traceback."""

    exit_code: ClassVar[int] = 1


class SettingsError(StarlingError):
    """A setting is wrong, unknown or missing."""

    exit_code = 78  # EX_CONFIG


class BundleError(StarlingError):
    """A model bundle cannot be used."""

    exit_code = 66  # EX_NOINPUT


class BrokerError(StarlingError):
    """The MQTT broker cannot be reached, refuses us, or went away.

    Args:
        sentence: The one line for the user.
        reason_code: The broker's MQTT 5 reason code, where it gave one.
    """

    exit_code = 69  # EX_UNAVAILABLE

    def __init__(self, sentence: str, *, reason_code: int | None = None) -> None:
        super().__init__(sentence)
        self.reason_code = reason_code


class PublicationRefusedError(BrokerError):
    """The broker answered a publication with a failure (MQTT 5)."""


class ListenError(StarlingError):
    """The service cannot listen on the address it was given."""

    exit_code = 71  # EX_OSERR


class MeterError(StarlingError):
    """The power meter, or the machine's own energy counter, cannot be used."""

    exit_code = 69  # EX_UNAVAILABLE


class InputError(StarlingError):
    """A file that a command was given cannot be read or written."""

    exit_code = 66  # EX_NOINPUT


class BenchError(StarlingError):
    """A measurement cannot be made, or its figures would mean nothing."""

    exit_code = 69  # EX_UNAVAILABLE


class LostTweetsError(StarlingError):
    """Tweets went in and neither a label nor a rejection came out."""

    exit_code = 1


def leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """Yield the exceptions that a group, and the groups within it, came from."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error


@contextmanager
def ungrouped() -> Iterator[None]:
    """Raise the first of our own errors where a task group ended for nothing but such.

    A task group wraps whatever ends it. A group that holds anything else is a fault of ours, and stays whole.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        causes = list(leaves(group))
        if all(isinstance(cause, StarlingError) for cause in causes):
            raise causes[0] from group
        raise
