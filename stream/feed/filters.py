"""Filters by language, words and entities, and the check of a post's id and text."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

import regex

from stream.feed.events import Ignored, Post, Reason
from stream.settings import FeedSettings, LimitSettings

FindEntity = Callable[[str], str | None]
"""Returns the entity of the settings that a text mentions; None where it mentions none."""

_WITHOUT_SPACES = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
"""Letters of languages that put no spaces between words."""
_LONGEST_ID = 128


class Filter:
    """Decides which posts are published.

    Args:
        settings: Languages and words.
        limits: The limits beyond which a node would reject a post.
        find_entity: Finds the entity that a text mentions.
    """

    def __init__(
        self, settings: FeedSettings, limits: LimitSettings, find_entity: FindEntity = lambda _text: None
    ) -> None:
        self._languages = tuple(language.lower() for language in settings.languages)
        self._words = words_pattern(settings.words) if settings.words else None
        self._only_entities = settings.only_entities
        self._limits = limits
        self._find_entity = find_entity

    def judge(self, post: Post) -> Post | Ignored:
        """Return the post, with its entity and with the language that was asked for first; or why it is left out."""
        reason = self._fault(post)
        if reason is None and self._languages:
            languages = tuple(filter(self._accepts_language, post.languages))
            reason = None if languages else Reason.LANGUAGE
            if languages != post.languages:
                post = replace(post, languages=languages)
        if reason is None and self._words and not self._words.search(_normal(post.text)):
            reason = Reason.WORDS
        if reason is None:
            entity = post.entity or self._find_entity(post.text)
            if entity is None and self._only_entities:
                reason = Reason.ENTITIES
            elif entity != post.entity:
                post = replace(post, entity=entity)
        return post if reason is None else Ignored(reason, post.cursor, post.at)

    def _fault(self, post: Post) -> Reason | None:
        if not post.id.strip() or len(post.id) > _LONGEST_ID:
            return Reason.NO_ID
        if not post.text.strip():
            return Reason.NO_TEXT
        return Reason.TOO_LONG if len(post.text) > self._limits.text_characters else None

    def _accepts_language(self, language: str) -> bool:
        tag = language.lower()
        return any(tag == wanted or tag.startswith(f"{wanted}-") for wanted in self._languages)


def words_pattern(words: Sequence[str]) -> regex.Pattern[str]:
    """Return a pattern that finds one of some words or phrases, in any case, and not inside longer words."""
    return regex.compile("|".join(map(_word_pattern, words)), regex.IGNORECASE)


def _word_pattern(word: str) -> str:
    parts = [regex.escape(part) for part in _normal(word).split()]
    # A hyphen or a sign at the edge, as in #tag, is a boundary already.
    return f"{_edge(word.strip()[0], '(?<!')}{r'[[:space:]]+'.join(parts)}{_edge(word.strip()[-1], '(?!')}"


def _edge(letter: str, look: str) -> str:
    return "" if regex.match(_WITHOUT_SPACES, letter) or not regex.match(r"\w", letter) else rf"{look}\w)"


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)
