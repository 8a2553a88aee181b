"""`starling watch`: labels, rejections and nodes as they come."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import MutableMapping
from pathlib import Path

import orjson
import typer
from pydantic import BaseModel, Field, ValidationError
from rich.console import Console
from rich.text import Text

from stream.commands.connection import settings_for
from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.power.words import read_energy_words
from stream.session.topics import ALL_ENERGY_TOPICS, ALL_STATUS_TOPICS, node_of
from stream.settings import Settings
from stream.topic_filters import matches
from stream.tweets.decoding import decode_tweet
from stream.tweets.polarity import Polarity
from stream.tweets.rejections import RejectedTweetError

STYLES = {"negative": "red", "neutral": "bright_black", "positive": "green", "rejected": "yellow"}
_TEXTS_KEPT = 10_000
"""Texts that wait for their label, at most."""
_ENERGY_SECONDS = 10.0
"""A node tells its energy every second, which would bury the labels."""
_NODES_KEPT = 1000
"""Of which we know when they were shown: whoever may publish could make up any number."""
_LONGEST_SHOWN = 1000
_ESCAPED_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
"""The control characters that JSON need not escape, and that some terminals obey."""


class ShownLabel(BaseModel):
    """What is shown of a label. Whoever may publish may send anything in its place."""

    id: str
    polarity: Polarity
    confidence: float = Field(ge=0, le=1)
    entity: str = ""
    text: str = ""


class ShownRejection(BaseModel):
    """What is shown of a rejection."""

    id: str = ""
    reason: str
    detail: str


def watch_labels(*, count: int | None, with_text: bool, as_json: bool, broker: str | None, config: Path | None) -> None:
    """Show what the nodes publish until interrupted.

    Args:
        count: Labels and rejections after which to end; None: never.
        with_text: Whether to subscribe to the tweets too, and show their text.
        as_json: Whether to show messages as they came, a line each.
        broker: Its address, over the settings' one.
        config: The settings file.

    Raises:
        StarlingError: The broker cannot be reached or is lost.
    """
    asyncio.run(_watch(settings_for(config, broker), count, with_text=with_text, as_json=as_json))


async def _watch(settings: Settings, count: int | None, *, with_text: bool, as_json: bool) -> None:
    topics = settings.topics
    viewer = Viewer(settings)
    async with Connection(settings.broker) as client:
        results = (topics.labels, topics.rejected, ALL_STATUS_TOPICS, ALL_ENERGY_TOPICS)
        for topic in (*([topics.tweets] if with_text else []), *results):
            await client.subscribe_confirmed(topic)
        async for message in client.incoming():
            if as_json:
                viewer.show_json(message)
            else:
                viewer.show(message)
            if count is not None and viewer.results >= count:
                return


class Viewer:
    """Writes a line for each message that is a result or a node's status."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._console = Console(highlight=False, soft_wrap=True)
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._energy_shown: dict[str, float] = {}
        self.results = 0
        """Labels and rejections shown."""

    def show(self, message: Message) -> None:
        """Show a message to a person; a tweet is kept for its label."""
        topic, payload = message.topic, message.payload
        try:
            if topic == self._settings.topics.labels:
                self._print(label_line(ShownLabel.model_validate_json(payload), self._texts))
            elif topic == self._settings.topics.rejected:
                self._print(rejection_line(ShownRejection.model_validate_json(payload)))
            elif matches(ALL_STATUS_TOPICS, topic):
                status = one_line(payload.decode("utf-8", "replace")) or "gone for good"
                self._console.print(Text(f"node {one_line(node_of(topic))} is {status}", "bold"))
            elif matches(ALL_ENERGY_TOPICS, topic):
                self._show_energy(node_of(topic), payload)
            else:
                self._keep(payload)
        except ValidationError:
            self._console.print(Text(f"{len(payload)} bytes on {one_line(topic)} are no result", STYLES["rejected"]))

    def show_json(self, message: Message) -> None:
        """Show labels and rejections as they came, in one line each; what is no JSON is left out."""
        topic = message.topic
        if topic in (self._settings.topics.labels, self._settings.topics.rejected):
            try:
                line = orjson.dumps(orjson.loads(message.payload)).decode()
            except (orjson.JSONDecodeError, orjson.JSONEncodeError):
                typer.echo(f"a message on {one_line(topic)} is no JSON", err=True)
            else:
                typer.echo(line.translate(_ESCAPED_CONTROLS))
                self.results += 1

    def _show_energy(self, node: str, payload: bytes) -> None:
        """Show what a node draws now and then; a node that leaves empties its topic."""
        now = time.monotonic()
        if now - self._energy_shown.get(node, -math.inf) >= _ENERGY_SECONDS and (words := read_energy_words(payload)):
            if len(self._energy_shown) >= _NODES_KEPT:
                self._energy_shown.clear()
            self._energy_shown[node] = now
            self._console.print(Text(f"node {one_line(node)}: {one_line(words)}", "cyan"))

    def _print(self, line: Text) -> None:
        self._console.print(line)
        self._console.file.flush()  # a pipe's reader wants each label when it comes
        self.results += 1

    def _keep(self, payload: bytes) -> None:
        try:
            tweet = decode_tweet(payload, self._settings.limits)
        except RejectedTweetError:
            return
        self._texts[tweet.id] = tweet.text[:_LONGEST_SHOWN]
        if len(self._texts) > _TEXTS_KEPT:
            self._texts.popitem(last=False)


def label_line(label: ShownLabel, texts: MutableMapping[str, str]) -> Text:
    """Write a label as one line: polarity, confidence, id, what it touches, and the text where it is known."""
    text = label.text or texts.pop(label.id, "")
    line = Text(f"{label.polarity:<8} {label.confidence:4.2f}  ", STYLES[label.polarity])
    return line.append(_beside(label.id, label.entity, text), style="default")


def rejection_line(rejection: ShownRejection) -> Text:
    """Write a rejection as one line."""
    why = _beside(rejection.id, f"{rejection.reason}: {rejection.detail}")
    return Text("rejected       ", STYLES["rejected"]).append(why, style="default")


def _beside(*parts: str) -> str:
    return "  ".join(one_line(part) for part in parts if part)


def one_line(text: str) -> str:
    """The beginning, without line breaks and control characters, which could move the terminal's cursor."""
    text = text[:_LONGEST_SHOWN]
    return " ".join("".join(character for character in text if character.isprintable() or character.isspace()).split())
