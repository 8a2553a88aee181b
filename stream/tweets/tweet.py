"""A tweet, as far as Starling reads it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tweet:
    """What Starling reads of a tweet."""

    id: str
    text: str
    entity: str | None = None
    """Whose reputation the tweet touches; travels through to the label."""
    lang: str | None = None
