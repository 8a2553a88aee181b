"""Results of looking up a tweet's id."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """A tweet that was found."""

    id: str
    text: str
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A tweet that was not found."""

    id: str
    reason: str
    """Last part of the API's problem type: `resource-not-found` (deleted), `not-authorized-for-resource` (protected
    or suspended); or `withheld`; `not-an-id`, if no tweet can have the id; `not-answered`, if the answer lacks it."""
    detail: str = ""
