"""What a look-up of a tweet's id gives."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """A tweet that is there."""

    id: str
    text: str
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A tweet that is not to be had."""

    id: str
    reason: str
    """The last part of the API's problem type: `resource-not-found` (deleted), `not-authorized-for-resource`
    (protected or suspended); `withheld`; or `not-answered`, where the API says nothing of it."""
    detail: str = ""
