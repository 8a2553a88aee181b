"""The policy for tweets in languages that no model labels."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from stream.languages.detector import LanguageDetector, make_detector
from stream.languages.tags import language_code
from stream.settings import LanguageSettings
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet

UNKNOWN = "unknown"
OTHER = "other"


@dataclass(frozen=True, slots=True)
class PlacedTweet:
    """A tweet with its language, and the model that labels it."""

    tweet: Tweet
    model: int = 0
    """Place of the model among those that were offered."""
    counted_as: str | None = None
    """The language as metrics count it: one that a model labels, `other` or `unknown`; None: languages are not
    detected."""


class LanguagePolicy:
    """Decides by its language which model labels a tweet, and whether it is labelled at all.

    Args:
        settings: The policy.
        detector: Detects languages.
    """

    def __init__(self, settings: LanguageSettings, detector: LanguageDetector) -> None:
        self._settings = settings
        self._detector = detector

    def describe(self, bundles: Sequence[Sequence[str]]) -> str:
        """Return the policy in words, for the log and for `starling check`.

        Args:
            bundles: The languages that the models' bundles list.
        """
        if self._settings.policy == "off":
            return "off: the language of tweets is not detected"
        known = self.labelled_languages(bundles)
        if not known[0]:
            return "off: the bundle does not list its languages, and languages.known is not set"
        model = self._detector.model_name
        source = f"identified by {model}" if model else "as the publisher tagged it"
        lists = [", ".join(sorted(languages)) for languages in known]
        labelled = f"the model labels {lists[0]}" + "".join(f", the second model {names}" for names in lists[1:])
        others = self._settings.unrouted if self._settings.policy == "route" else self._settings.policy
        return f"{labelled}; tweets in other languages: {others}; the language is {source}"

    def labelled_languages(self, bundles: Sequence[Sequence[str]]) -> list[Collection[str]]:
        """Return the codes of the languages that each model labels.

        Args:
            bundles: The languages that the models' bundles list. The setting replaces the first one's.
        """
        first, *others = bundles
        lists = [self._settings.known or first, *(others if self._settings.policy == "route" else ())]
        return [frozenset(filter(None, map(language_code, languages))) for languages in lists]

    def place(self, tweet: Tweet, known: Sequence[Collection[str]]) -> PlacedTweet:
        """Detect a tweet's language and choose its model.

        Args:
            tweet: The tweet.
            known: The result of `labelled_languages`. Where the first model has no languages, the policy is off.

        Raises:
            RejectedTweetError: No model labels the language, and the settings reject such tweets.
        """
        if self._settings.policy == "off" or not known[0]:
            return PlacedTweet(tweet)
        detected = self._detector.detect(tweet)
        language, tweet = detected.language, detected.tweet
        if language is None:
            return PlacedTweet(tweet, counted_as=UNKNOWN)
        for place, languages in enumerate(known):
            if language in languages:
                return PlacedTweet(replace(tweet, language_supported=True), place, language)
        # A route whose model is still being loaded rejects nothing.
        policy = self._settings.policy
        if policy == "reject" or (policy == "route" and len(known) > 1 and self._settings.unrouted == "reject"):
            names = ", ".join(sorted({name for languages in known for name in languages}))
            source = _SOURCES[tweet.lang_source]
            detail = f"the language of the tweet is {language}, according to its {source}; labelled are {names}"
            raise RejectedTweetError(Reason.OTHER_LANGUAGE, detail, tweet.id)
        return PlacedTweet(replace(tweet, language_supported=False), counted_as=OTHER)


_SOURCES = {"publisher": "publisher's tag", "text": "text"}


def make_policy(settings: LanguageSettings) -> LanguagePolicy:
    """Make the policy that the settings describe.

    Raises:
        SettingsError: The identification model is needed and missing, or cannot be used.
    """
    return LanguagePolicy(settings, make_detector(settings))
