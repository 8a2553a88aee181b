"""The part of a tweet that Starling reads."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tweet:
    """A tweet's id and text, and the fields that are copied to its label."""

    id: str
    text: str
    entity: str | None = None
    """The entity whose reputation the tweet concerns."""
    lang: str | None = None
