"""The interface of all sources, and their errors."""

from collections.abc import AsyncGenerator
from enum import Enum, auto
from typing import Protocol

from stream.errors import SettingsError, StarlingError
from stream.feed.events import Cursor, Event


class Failure(Enum):
    """The kinds of failure, which differ in how long to wait before the next attempt."""

    NETWORK = auto()
    """No connection, or the end of one."""
    HTTP = auto()
    """An answer with an error."""
    RATE_LIMIT = auto()
    """An answer that asks to wait (429)."""


class SourceError(StarlingError):
    """A source cannot be reached, or its connection has ended; the feeder tries again.

    Args:
        sentence: The one line for the user.
        failure: The kind of failure.
        retry_seconds: Time to wait at least, where the source has named one.
    """

    exit_code = 69  # EX_UNAVAILABLE

    def __init__(
        self, sentence: str, failure: Failure = Failure.NETWORK, *, retry_seconds: float | None = None
    ) -> None:
        super().__init__(sentence)
        self.failure = failure
        self.retry_seconds = retry_seconds


class TokenError(SettingsError):
    """The source does not accept the token: another attempt would not help."""


class Delays(Protocol):
    """The times to wait between attempts to connect."""

    def after(self, error: SourceError) -> float:
        """Return the seconds to wait after a failure."""

    def reset(self) -> None:
        """Note that a connection has brought data."""


class Source(Protocol):
    """A public stream of posts."""

    name: str
    """Name of the source on the command line."""
    identity: str
    """Name of the stream; a position in another stream is not used."""
    allowed_silence_seconds: float
    """Time without an event after which a connection counts as lost."""
    charges_per_post: bool
    """True where the limit of `--most` concerns the posts received, because each is paid for."""

    def delays(self) -> Delays:
        """Return the times to wait between attempts to connect."""

    def connect(self, cursor: Cursor | None) -> AsyncGenerator[Event]:
        """Connect once, and yield the events from a position on; without one, those from now on.

        Raises:
            SourceError: The connection cannot be established, or has ended.
            TokenError: The token is missing, wrong or revoked.
        """
