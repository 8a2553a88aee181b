"""The errors that Starling shows its users, each one line that says what was wrong, where, and what to do.

    StarlingError
    ├── SettingsError   a key, a value or a file of the settings is wrong
    ├── BundleError     a model bundle is missing, damaged or of another kind
    ├── BrokerError     the MQTT broker is unreachable, refuses us, or the connection is lost
    │   └── PublicationRefusedError   it refuses one message
    ├── ListenError     the service cannot listen on its address
    ├── MeterError      the power meter is missing, silent, or refuses a command
    ├── InputError      a file cannot be read or written
    ├── NothingLabelledError   a file has no tweet that can be labelled
    ├── BenchError      a measurement cannot be made, or would mean nothing
    └── LostTweetsError tweets got neither a label nor a rejection

The exit codes are those of sysexits.h, so that a shell or systemd can tell the kinds apart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class StarlingError(Exception):
    """An error that is shown to the user in one line instead of a traceback."""

    exit_code: ClassVar[int] = 1


class SettingsError(StarlingError):
    """A setting is wrong, unknown or missing."""

    exit_code = 78  # EX_CONFIG


class BundleError(StarlingError):
    """A model bundle cannot be used."""

    exit_code = 66  # EX_NOINPUT


class BrokerError(StarlingError):
    """The MQTT broker cannot be reached or refuses us, or the connection is lost.

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
    """A file cannot be read or written."""

    exit_code = 66  # EX_NOINPUT


class NothingLabelledError(StarlingError):
    """A file has no tweet that can be labelled."""

    exit_code = 65  # EX_DATAERR


class BenchError(StarlingError):
    """A measurement cannot be made, or its values would mean nothing."""

    exit_code = 69  # EX_UNAVAILABLE


class LostTweetsError(StarlingError):
    """Tweets got neither a label nor a rejection."""

    exit_code = 1


def leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """Yield the exceptions in a group and in the groups within it."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error


@contextmanager
def ungrouped() -> Iterator[None]:
    """Raise the first exception of an exception group that holds only StarlingErrors.

    A task group wraps the exceptions that end it. A group with any other exception is a bug, and stays whole.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        causes = list(leaves(group))
        if all(isinstance(cause, StarlingError) for cause in causes):
            raise causes[0] from group
        raise
