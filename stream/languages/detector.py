"""The language of a tweet, from its text and from the publisher's tag."""

from dataclasses import dataclass, replace

from stream.errors import SettingsError
from stream.languages.identifier import Identifier, IdentifierMissingError, open_identifier, sufficient_score
from stream.languages.tags import language_code
from stream.settings import LanguageSettings
from stream.tweets.tweet import Tweet


@dataclass(frozen=True, slots=True)
class DetectedTweet:
    """A tweet and its language."""

    tweet: Tweet
    """The tweet, with the language and its source for the label."""
    language: str | None
    """Code of the language; None: unknown."""


class LanguageDetector:
    """Detection of languages.

    Args:
        identifier: Identifies the language of texts; None: the publisher's tag is all that is known.
        publisher_weight: Weight of the publisher's tag, 0 (ignored) to 1 (always believed).
    """

    def __init__(self, identifier: Identifier | None, publisher_weight: float) -> None:
        self._identifier = identifier
        self._weight = publisher_weight

    @property
    def model_name(self) -> str | None:
        """Name of the identification model; None where texts are not read."""
        return self._identifier.name if self._identifier else None

    def detect(self, tweet: Tweet) -> DetectedTweet:
        """Detect the language of a tweet.

        The publisher's tag gets its weight, and the scores of the text get the rest. A language that the text alone
        suggests must also be certain enough for the text's length.
        """
        published = language_code(tweet.lang) if tweet.lang and self._weight else None
        if self._identifier is None or (published and self._weight == 1):
            return self._as_published(tweet, published)
        words, scores = self._identifier.scores(tweet.text)
        best = max(scores, key=scores.__getitem__, default=None)
        if best is None or best == published or scores[best] < sufficient_score(words):
            return self._as_published(tweet, published)
        if published is not None:
            advantage = (1 - self._weight) * (scores[best] - scores.get(published, 0.0))
            if advantage <= self._weight:
                return self._as_published(tweet, published)
        return DetectedTweet(replace(tweet, lang=best, lang_source="text"), best)

    def _as_published(self, tweet: Tweet, published: str | None) -> DetectedTweet:
        if self._weight == 0 and tweet.lang is not None:
            return DetectedTweet(replace(tweet, lang=None), None)
        return DetectedTweet(tweet, published)


def make_detector(settings: LanguageSettings) -> LanguageDetector:
    """Make the detector that the settings describe.

    Raises:
        SettingsError: The identification model is needed and missing, or cannot be used.
    """
    return LanguageDetector(_identifier(settings), settings.publisher_weight)


def _identifier(settings: LanguageSettings) -> Identifier | None:
    if settings.policy == "off" or settings.identify == "never":
        return None
    try:
        return open_identifier(settings.model_file)
    except IdentifierMissingError as error:
        if settings.identify == "auto" and settings.policy == "flag" and settings.model_file is None:
            return None
        raise SettingsError(
            f"{error}; or set languages.identify = 'never', so that only the publisher's `lang` counts"
        ) from error
