"""The entities that the settings list: their mentions in tweets, their topics and their counts."""

from collections.abc import Sequence
from dataclasses import replace

from stream.mentions import Mentions
from stream.settings import EntitySettings
from stream.telemetry.metrics import Metrics
from stream.tweets.labels import Label
from stream.tweets.polarity import POLARITIES
from stream.tweets.tweet import Tweet


class Entities:
    """The listed entities, which may be replaced by others while tweets are labelled.

    Args:
        most: Entities of one tweet that get a label, at most.
        metrics: Counts labels by listed entity, and mentions beyond `most`.
    """

    def __init__(self, most: int, metrics: Metrics) -> None:
        self._most = most
        self._metrics = metrics
        self._mentions: Mentions | None = None
        self._names: dict[str, str] = {}
        """Names by alias in lower case."""
        self._topics: dict[str, str | None] = {}
        """The topic of each entity by name."""

    def use(self, entities: Sequence[EntitySettings]) -> None:
        """List these entities and no others."""
        aliases = {entity.name: entity.all_aliases for entity in entities}
        self._mentions = Mentions(aliases) if entities else None
        self._names = {alias.casefold(): name for name, ones in aliases.items() for alias in (name, *ones)}
        removed = self._topics.keys() - aliases.keys()
        self._topics = {entity.name: entity.topic for entity in entities}
        for polarity in POLARITIES:
            for name in removed:
                self._metrics.entity_labels.remove(name, polarity)
            for name in aliases:
                self._metrics.entity_labels.labels(name, polarity)

    def concerned(self, tweet: Tweet) -> list[Tweet]:
        """Return a tweet once for each label that it gets.

        That is once if it names its entity, else once for each listed entity that it mentions, or once without any.
        """
        if tweet.entity is not None or self._mentions is None:
            return [tweet]
        names = self._mentions.find(tweet.text)
        if len(names) > self._most:
            self._metrics.entities_left_out.inc(len(names) - self._most)
        return [replace(tweet, entity=name) for name in names[: self._most]] or [tweet]

    def topic(self, tweet: Tweet) -> str | None:
        """Return the topic of the labels about a tweet's entity; None where it has none, or is not listed."""
        name = self._listed(tweet)
        return None if name is None else self._topics[name]

    @property
    def topics(self) -> set[str]:
        """The topics of all entities."""
        return {topic for topic in self._topics.values() if topic is not None}

    def count(self, label: Label) -> None:
        """Count a label of a listed entity; others are not counted, because there is no end of them."""
        if (name := self._listed(label.tweet)) is not None:
            self._metrics.entity_labels.labels(name, label.polarity).inc()

    def _listed(self, tweet: Tweet) -> str | None:
        return None if tweet.entity is None else self._names.get(tweet.entity.casefold())
