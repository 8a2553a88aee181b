"""The part of a tweet that Starling reads."""

from dataclasses import dataclass
from typing import Literal

LanguageSource = Literal["publisher", "text"]
"""Source of a tweet's language: the publisher's tag, or identification from the text."""


@dataclass(frozen=True, slots=True)
class Tweet:
    """A tweet's id and text, and the fields that are copied to its label."""

    id: str
    text: str
    entity: str | None = None
    """The entity whose reputation the tweet concerns."""
    lang: str | None = None
    """The language, as the publisher tagged it, or its code where it was identified from the text."""
    lang_source: LanguageSource = "publisher"
    language_supported: bool | None = None
    """True if the model labels texts in this language; None: the language, or the model's languages, are unknown."""
