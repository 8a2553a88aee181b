"""`starling feed SOURCE`: publish posts of a public stream until a signal stops it."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import typer

from stream.commands.connection import settings_for
from stream.commands.send import SendRequest, send_file
from stream.errors import SettingsError
from stream.feed.events import Ignored, Post, Reason
from stream.feed.feeder import Feeder, FeedOptions, need_entities
from stream.feed.filters import Filter
from stream.feed.http import open_session
from stream.feed.source import Source
from stream.feed.sources.bluesky import BlueskySource
from stream.feed.sources.mastodon import MastodonSource
from stream.feed.sources.x import XSource
from stream.settings import Settings
from stream.telemetry.logs import log_to_stderr
from stream.tweets.tweet import Tweet

logger = logging.getLogger(__name__)

_MOST_POSTS_A_MONTH = 3_000_000
"""X's limit of a plan that is paid by use."""
_IN_WORDS = {"post": "posts", "edit": "edits", "deletion": "deletions", "gap": "gaps"}


@dataclass(frozen=True)
class FeedRequest:
    """A source, and the options of the command line."""

    source: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Settings in the form of the file's, from options."""
    most: int | None = None
    topic: str | None = None
    unlimited: bool = False
    """True to read a source that charges each post without a limit."""


def run_feed(request: FeedRequest, *, broker: str | None, config: Path | None) -> None:
    """Publish until SIGTERM, SIGINT or the limit; what was received is published before the end.

    Args:
        request: The source and its options.
        broker: The broker's address, instead of the settings'.
        config: The settings file.

    Raises:
        StarlingError: The feeder cannot start, or the source does not accept the token any more.
    """
    settings = settings_for(config, broker, request.overrides)
    log_to_stderr(settings.log_level, settings.log.format)
    if request.source == "x":
        typer.echo(_cost(settings, request), err=True)
    asyncio.run(_run(settings, request))


async def _run(settings: Settings, request: FeedRequest) -> None:
    started = time.monotonic()
    async with open_session() as session:
        source = source_named(request.source, settings, session)
        feeder = Feeder(settings, source, FeedOptions(request.topic, request.most))
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, feeder.stop)
        try:
            await feeder.run()
        finally:
            if feeder.reader:
                typer.echo(_summary(feeder, time.monotonic() - started), err=True)


def source_named(name: str, settings: Settings, session: aiohttp.ClientSession) -> Source:
    """Return a source.

    Raises:
        StarlingError: Its settings are wrong.
    """
    if name == "x":
        names = {entity.name.casefold(): entity.name for entity in settings.entities}
        return XSource(settings, session, lambda tag: names.get(tag.casefold()))
    sources: dict[str, Callable[[Settings, aiohttp.ClientSession], Source]] = {
        "bluesky": BlueskySource,
        "mastodon": MastodonSource,
    }
    return sources[name](settings, session)


def _cost(settings: Settings, request: FeedRequest) -> str:
    """Return what the posts will cost.

    Raises:
        SettingsError: The number of posts is not limited, and nobody said that this is intended.
    """
    price = settings.x.dollars_per_post
    each = f"X charges about ${price:g} for each post that it sends, also for those that the filters leave out"
    if request.most is not None:
        return f"{each}: at most ${request.most * price:,.2f} for {request.most} posts"
    if not request.unlimited:
        raise SettingsError(
            f"{each}: limit the number of posts with --most N, or read without a limit with --unlimited"
        )
    return f"{each}: up to ${_MOST_POSTS_A_MONTH * price:,.0f} a month for X's limit of {_MOST_POSTS_A_MONTH:,} posts"


def _summary(feeder: Feeder, seconds: float) -> str:
    counts = dict(feeder.reader.counts) if feeder.reader else {}
    kinds = [f"{counts.pop(kind, 0)} {words}" for kind, words in _IN_WORDS.items() if kind == "post" or kind in counts]
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items(), key=lambda each: -each[1]))
    published = f"published {', '.join(kinds)} to {feeder.topic} in {seconds:.1f} s"
    return f"{published}; left out: {left_out}" if left_out else published


def send_filtered(
    request: SendRequest, overrides: Mapping[str, Any], *, broker: str | None, config: Path | None
) -> None:
    """Publish a file as `starling send` does, without the posts that the filters leave out.

    Args:
        request: The file.
        overrides: Settings in the form of the file's, from options.
        broker: The broker's address, instead of the settings'.
        config: The settings file.

    Raises:
        StarlingError: As `send_file`.
    """
    settings = settings_for(config, broker, overrides)
    need_entities(settings)
    post_filter = Filter(settings)

    def reason_to_leave_out(tweet: Tweet) -> Reason | None:
        languages = (tweet.lang,) if tweet.lang else ()
        judged = post_filter.judge(Post(tweet.id, tweet.text, None, languages=languages, entity=tweet.entity))
        return judged.reason if isinstance(judged, Ignored) else None

    selection = replace(request.selection, reason_to_leave_out=reason_to_leave_out)
    send_file(replace(request, selection=selection), broker=broker, config=config)
