"""Filters by language, words and entities, and the check of a post's id and text."""

from collections.abc import Iterable
from dataclasses import replace

from stream.feed.events import Ignored, Post, Reason
from stream.mentions import Mentions
from stream.settings import EntitySettings, LimitSettings, Settings

_LONGEST_ID = 128


class Filter:
    """Decides which posts are published.

    Args:
        settings: Languages, words and entities, and the limits beyond which a node would reject a post.
    """

    def __init__(self, settings: Settings) -> None:
        feed = settings.feed
        self._languages = tuple(language.lower() for language in feed.languages)
        self._words = Mentions({"words": feed.words}) if feed.words else None
        self._entities = entity_mentions(settings.entities) if feed.only_entities else None
        self._limits: LimitSettings = settings.limits

    def judge(self, post: Post) -> Post | Ignored:
        """Return the post, with the languages that were asked for; or the reason why it is left out.

        A post gets no `entity` from its text: nodes find all entities that it mentions.
        """
        reason = self._fault(post)
        if reason is None and self._languages:
            languages = tuple(filter(self._accepts_language, post.languages))
            reason = None if languages else Reason.LANGUAGE
            if languages != post.languages:
                post = replace(post, languages=languages)
        if reason is None and self._words and not self._words.find(post.text):
            reason = Reason.WORDS
        if reason is None and self._entities and post.entity is None and not self._entities.find(post.text):
            reason = Reason.ENTITIES
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


def entity_mentions(entities: Iterable[EntitySettings]) -> Mentions:
    """Return the finder of the settings' entities."""
    return Mentions({entity.name: entity.all_aliases for entity in entities})
