"""`starling watch`: show labels, rejections and the status of nodes as they are published."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import typer
from pydantic import BaseModel, Field, ValidationError
from rich.console import Console
from rich.text import Text

from stream.commands.connection import settings_for
from stream.commands.reconnecting import Reconnection
from stream.errors import BrokerError
from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.power.words import read_energy_words
from stream.session.topics import ALL_ENERGY_TOPICS, ALL_STATUS_TOPICS, node_of
from stream.settings import EntitySettings, Settings
from stream.topic_filters import matches
from stream.tweets.decoding import decode_tweet
from stream.tweets.label_events import result_in
from stream.tweets.polarity import Polarity
from stream.tweets.rejections import RejectedTweetError

STYLES = {"negative": "red", "neutral": "bright_black", "positive": "green", "rejected": "yellow"}
_TEXTS_KEPT = 10_000
"""Texts kept until their label comes, at most."""
_ENERGY_SECONDS = 10.0
"""Time between two lines about the power of one node, which publishes it every second."""
_NODES_KEPT = 1000
"""Nodes whose last line is remembered, at most: a publisher could invent any number of nodes."""
_LONGEST_SHOWN = 1000
_ESCAPED_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
"""Control characters that JSON may have unescaped, and that some terminals obey."""


class ShownLabel(BaseModel):
    """The part of a label that is shown. It is checked, because anyone may publish on the topic."""

    id: str
    polarity: Polarity
    confidence: float = Field(ge=0, le=1)
    entity: str = ""
    entity_used: bool = True
    lang: str = ""
    language_supported: bool = True
    text: str = ""


class ShownRejection(BaseModel):
    """The part of a rejection that is shown."""

    id: str = ""
    entity: str = ""
    reason: str
    detail: str


@dataclass(frozen=True)
class WatchOptions:
    """Contents and duration of the display."""

    count: int | None = None
    """Labels and rejections after which to end; None: until interrupted."""
    with_text: bool = False
    """True to subscribe to the tweets as well, and show their text."""
    as_json: bool = False
    """True to print messages unchanged, one per line."""
    entities: Sequence[str] = ()
    """Entities whose results alone are shown; none: all results are shown."""
    wait_seconds: float = 60.0
    """Time to keep trying to reach a broker that went away."""


def watch_labels(options: WatchOptions, *, broker: str | None, config: Path | None) -> None:
    """Show what the nodes publish, over a new connection where one is lost.

    Args:
        options: What is shown, and for how long.
        broker: The broker's address, instead of the settings'.
        config: The settings file.

    Raises:
        StarlingError: The broker cannot be reached, or stays away for too long.
    """
    asyncio.run(_watch(settings_for(config, broker), options))


async def _watch(settings: Settings, options: WatchOptions) -> None:
    viewer = Viewer(settings, options.entities)
    reconnection = Reconnection(settings.broker.reconnect_seconds, options.wait_seconds)
    while True:
        try:
            async with Connection(settings.broker) as client:
                await _subscribe(client, settings, with_text=options.with_text)
                if reconnection.reached():
                    typer.echo("connected again; what was published in between is not shown", err=True)
                await _show(client, viewer, options)
        except BrokerError as error:
            await reconnection.wait_after(error)
        else:
            return


async def _subscribe(client: Connection, settings: Settings, *, with_text: bool) -> None:
    topics = settings.topics
    tweets = topics.tweet_topics if with_text else ()
    for topic in (*tweets, topics.labels, topics.rejected, ALL_STATUS_TOPICS, ALL_ENERGY_TOPICS):
        await client.subscribe_confirmed(topic)


async def _show(client: Connection, viewer: "Viewer", options: WatchOptions) -> None:
    async for message in client.incoming():
        if options.as_json:
            viewer.show_json(message)
        else:
            viewer.show(message)
        if options.count is not None and viewer.results >= options.count:
            return


class Viewer:
    """Prints one line for each message that is a result or a node's status.

    Args:
        settings: The topics and the listed entities.
        entities: Entities whose results alone are shown, in any case and by any of their listed aliases; none: all
            results are shown.
    """

    def __init__(self, settings: Settings, entities: Sequence[str] = ()) -> None:
        self._settings = settings
        self._entities = _all_names(entities, settings.entities)
        self._console = Console(highlight=False, soft_wrap=True)
        self._texts: OrderedDict[str, str] = OrderedDict()
        self.energy_shown: dict[str, float] = {}
        """Time at which the power of each node was last shown, by the monotonic clock."""
        self.results = 0
        """Labels and rejections shown."""

    def show(self, message: Message) -> None:
        """Show a message as text; a tweet's text is kept for its label."""
        topic, payload = message.topic, message.payload
        try:
            if topic == self._settings.topics.labels:
                label = ShownLabel.model_validate_json(result_in(payload))
                if self._concerns(label.entity):
                    self._print(label_line(label, self._texts))
            elif topic == self._settings.topics.rejected:
                rejection = ShownRejection.model_validate_json(result_in(payload))
                if self._concerns(rejection.entity):
                    self._print(rejection_line(rejection))
            elif matches(ALL_STATUS_TOPICS, topic):
                status = one_line(payload.decode("utf-8", "replace")) or "deleted"
                self._console.print(Text(f"node {one_line(node_of(topic))} is {status}", "bold"))
            elif matches(ALL_ENERGY_TOPICS, topic):
                self._show_energy(node_of(topic), payload)
            else:
                self._keep(payload)
        except ValidationError:
            self._console.print(Text(f"{len(payload)} bytes on {one_line(topic)} are not a result", STYLES["rejected"]))

    def show_json(self, message: Message) -> None:
        """Print a label or a rejection unchanged on one line; a message that is not JSON is named on stderr."""
        topic = message.topic
        if topic in (self._settings.topics.labels, self._settings.topics.rejected):
            try:
                line = orjson.dumps(orjson.loads(message.payload)).decode()
            except (orjson.JSONDecodeError, orjson.JSONEncodeError):
                typer.echo(f"a message on {one_line(topic)} is not JSON", err=True)
                return
            if not self._entities or self._concerns(_entity_in(result_in(message.payload))):
                typer.echo(line.translate(_ESCAPED_CONTROLS))
                self.results += 1

    def _concerns(self, entity: str) -> bool:
        return not self._entities or entity.casefold() in self._entities

    def _show_energy(self, node: str, payload: bytes) -> None:
        """Show a node's power from time to time; a node that is deleted leaves an empty message."""
        now = time.monotonic()
        if now - self.energy_shown.get(node, -math.inf) >= _ENERGY_SECONDS and (words := read_energy_words(payload)):
            if len(self.energy_shown) >= _NODES_KEPT:
                self.energy_shown.clear()
            self.energy_shown[node] = now
            self._console.print(Text(f"node {one_line(node)}: {one_line(words)}", "cyan"))

    def _print(self, line: Text) -> None:
        self._console.print(line)
        self._console.file.flush()  # so that the reader of a pipe gets each label at once
        self.results += 1

    def _keep(self, payload: bytes) -> None:
        try:
            tweet = decode_tweet(payload, self._settings.limits)
        except RejectedTweetError:
            return
        self._texts[tweet.id] = tweet.text[:_LONGEST_SHOWN]
        if len(self._texts) > _TEXTS_KEPT:
            self._texts.popitem(last=False)


def _all_names(entities: Sequence[str], listed: Sequence[EntitySettings]) -> set[str]:
    """Return the names in lower case, with the aliases of those that are listed."""
    names = {name.casefold() for name in entities}
    for entity in listed:
        aliases = {alias.casefold() for alias in (entity.name, *entity.aliases)}
        names |= aliases if aliases & names else set()
    return names


def _entity_in(result: bytes) -> str:
    found = orjson.loads(result)
    entity = found.get("entity") if isinstance(found, dict) else None
    return entity if isinstance(entity, str) else ""


def label_line(label: ShownLabel, texts: MutableMapping[str, str]) -> Text:
    """Return a label as one line: polarity, confidence, id, entity, and the text where it is known."""
    # A tweet may have labels for several entities.
    text = label.text or (texts.get(label.id, "") if label.entity else texts.pop(label.id, ""))
    entity = label.entity if label.entity_used or not label.entity else f"{label.entity} (of the whole tweet)"
    line = Text(f"{label.polarity:<8} {label.confidence:4.2f}  ", STYLES[label.polarity])
    language = "" if label.language_supported else f"in {label.lang or '?'}, which the model does not label"
    return line.append(_beside(label.id, entity, language, text), style="default")


def rejection_line(rejection: ShownRejection) -> Text:
    """Return a rejection as one line."""
    why = _beside(rejection.id, rejection.entity, f"{rejection.reason}: {rejection.detail}")
    return Text("rejected       ", STYLES["rejected"]).append(why, style="default")


def _beside(*parts: str) -> str:
    return "  ".join(one_line(part) for part in parts if part)


def one_line(text: str) -> str:
    """Return the beginning, without line breaks and control characters, which could move the terminal's cursor."""
    text = text[:_LONGEST_SHOWN]
    return " ".join("".join(character for character in text if character.isprintable() or character.isspace()).split())
