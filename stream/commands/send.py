"""`starling send`: publishes a file of tweets."""

import asyncio
import itertools
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import orjson
import typer

from stream.commands.connection import settings_for
from stream.commands.progress import line_progress
from stream.mqtt.connection import Connection
from stream.mqtt.publishing import publish_all
from stream.settings import Settings
from stream.tweets.lines import open_lines


def send_file(
    name: str, *, rate: float, plain: bool | None, topic: str | None, broker: str | None, config: Path | None
) -> None:
    """Publish each line of a file at QoS 1, and say how many the broker confirmed.

    Args:
        name: The file, or `-` for stdin.
        rate: Messages a second; 0 is as fast as the broker confirms them.
        plain: Whether lines are bare texts, to be given ids, or JSON to be sent as it is; None: the first line tells.
        topic: Where to; None: the settings' topic of tweets.
        broker: Its address, over the settings' one.
        config: The settings file.

    Raises:
        StarlingError: The file or the broker cannot be had.
    """
    settings = settings_for(config, broker)
    topic = topic or settings.topics.tweets
    started = time.monotonic()
    count = asyncio.run(_send(settings, name, topic, rate=rate, plain=plain))
    seconds = time.monotonic() - started
    typer.echo(f"sent {count} tweets to {topic} in {seconds:.1f} s ({count / seconds:.0f} a second)", err=True)


async def _send(settings: Settings, name: str, topic: str, *, rate: float, plain: bool | None) -> int:
    count = 0
    with open_lines(name) as lines, line_progress("sending", name) as done:

        def confirmed(payload: bytes) -> None:
            nonlocal count
            count += 1
            done(payload)

        async with Connection(settings.broker) as client:
            await publish_all(client, topic, payloads(lines, plain=plain), rate=rate, confirmed=confirmed)
    return count


def payloads(lines: Iterator[bytes], *, plain: bool | None) -> Iterator[bytes]:
    """Make messages of lines: JSON as it is, bare text (its empty lines left out) as a tweet with an id."""
    first = next(lines, None)
    if first is None:
        return
    if plain is None:
        plain = not first.lstrip().startswith(b"{")
    lines = itertools.chain([first], lines)
    yield from _tweets(lines) if plain else lines


def _tweets(lines: Iterator[bytes]) -> Iterator[bytes]:
    batch = uuid.uuid4().hex[:12]
    texts = (line.decode("utf-8", errors="replace") for line in lines)
    for number, text in enumerate(text for text in texts if text.strip()):
        yield orjson.dumps({"id": f"{batch}-{number}", "text": text})
