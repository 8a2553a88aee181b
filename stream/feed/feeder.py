"""The feeder: reads a source and publishes it, with its metrics, until it is stopped."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stream.errors import SettingsError, ungrouped
from stream.feed.events import Cursor, Gap
from stream.feed.filters import Filter
from stream.feed.metrics import FeedMetrics
from stream.feed.position import Position, locked, state_folder
from stream.feed.progress import FeedHealth
from stream.feed.publisher import Publisher
from stream.feed.reader import Reader, Selection
from stream.feed.source import Source, TokenError
from stream.feed.window import Window
from stream.settings import Settings
from stream.telemetry.systemd import report_to_systemd
from stream.topic_filters import matches
from stream.web.server import serve_http

logger = logging.getLogger(__name__)

_DRAIN_SECONDS = 30.0
"""Time to publish what was received, once the feeder is stopped."""


@dataclass(frozen=True)
class FeedOptions:
    """Options of one run."""

    topic: str | None = None
    """Topic of posts; None: the settings' first one."""
    most: int | None = None
    """Number of posts after which the feeder ends; None: no limit."""
    with_http: bool = True
    """False to serve no metrics."""


class Feeder:
    """Publishes the posts of a source.

    Args:
        settings: The settings.
        source: The source.
        options: Options of this run.

    Raises:
        SettingsError: The topics do not fit together, or posts with entities are wanted and the settings list none.
    """

    def __init__(self, settings: Settings, source: Source, options: FeedOptions) -> None:
        self._settings = settings
        self._source = source
        self._options = options
        self.topic = posts_topic(settings, options.topic)
        need_entities(settings)
        self._filter = Filter(settings)
        self._stop = asyncio.Event()
        self.metrics = FeedMetrics()
        self.metrics.info.info({"source": source.name, "stream": source.identity})
        self.health = FeedHealth(settings.limits.stuck_seconds)
        self.metrics.ready.set_function(lambda: not self.health.missing())
        self.reader: Reader | None = None
        self.on_listening: Callable[[str], None] | None = None

    @property
    def path(self) -> Path:
        """File of the position in the source."""
        return state_folder(self._settings.feed.state_folder) / f"feed-{self._source.name}.json"

    def stop(self) -> None:
        """Make `run` publish what was received and return."""
        self._stop.set()

    async def run(self) -> None:
        """Run until stopped, or until the limit is reached.

        Raises:
            StarlingError: The broker cannot be reached at the start, the token is wrong, or the position's file or the
                HTTP address cannot be used.
        """
        path = self.path
        with ungrouped(), locked(path):
            position = Position(path, self._source.identity)
            window = Window(position.load(), self._settings.feed.queue)
            self._watch(window)
            if not self._options.with_http:
                await self._feed(position, window)
                return
            serving = serve_http(self._http_settings(), self.metrics, self.health, port_setting="feed.http_port")
            async with serving as address:
                logger.info("metrics at %s/metrics", address)
                if self.on_listening:
                    self.on_listening(address)
                await self._feed(position, window)

    async def _feed(self, position: Position, window: Window) -> None:
        selection = Selection(self._filter, self.topic, self._settings.feed.changes_topic, self._options.most)
        self.reader = reader = Reader(self._source, selection, window, self.metrics, self.health)
        self.metrics.lag_seconds.set_function(lambda: max(0.0, window.oldest_age_seconds(), reader.lost_seconds))
        publisher = Publisher(self._settings.broker, self._settings.feed.in_flight, window, self.metrics, self.health)
        async with asyncio.TaskGroup() as tasks:
            publishing = tasks.create_task(publisher.run(), name="publish")
            helpers = [
                tasks.create_task(self._store_positions(position, window), name="store-position"),
                tasks.create_task(report_to_systemd(self.health), name="systemd"),
            ]
            refusal = await self._read(reader, position)
            self.health.stopping = True
            self.health.reader.expect_none()
            await self._drain(window, publishing)
            for helper in helpers:
                helper.cancel()
        await self._store(position, window)
        if refusal:
            raise refusal

    async def _read(self, reader: Reader, position: Position) -> TokenError | None:
        """Read until stopped, until the limit is reached, or until the source does not accept the token any more."""
        try:
            with ungrouped():
                async with asyncio.TaskGroup() as tasks:
                    reading = tasks.create_task(self._read_all(reader, position), name="read")
                    stopped = tasks.create_task(self._stop.wait(), name="stop")
                    await asyncio.wait([reading, stopped], return_when=asyncio.FIRST_COMPLETED)
                    reading.cancel()
                    stopped.cancel()
        except TokenError as error:
            return error
        return None

    async def _read_all(self, reader: Reader, position: Position) -> None:
        if position.unreadable:
            await reader.announce(Gap("position_unreadable", None))
        await reader.run()

    async def _drain(self, window: Window, publishing: asyncio.Task[None]) -> None:
        """Wait until the broker has what was received; after a while the rest is left to the next run."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await window.end()
                await asyncio.shield(publishing)
                return
        logger.warning(
            "%d messages were not confirmed by the broker; they are read again at the next start", len(window)
        )
        publishing.cancel()

    async def _store_positions(self, position: Position, window: Window) -> None:
        while True:
            await asyncio.sleep(self._settings.feed.cursor_seconds)
            await self._store(position, window)

    async def _store(self, position: Position, window: Window) -> None:
        cursor = window.released
        if await position.store(cursor):
            self.metrics.cursor_seconds.set(_seconds_of(cursor))

    def _watch(self, window: Window) -> None:
        self.metrics.waiting.set_function(lambda: len(window))
        self.metrics.cursor_seconds.set(_seconds_of(window.released))

    def _http_settings(self) -> Settings:
        http = self._settings.http.model_copy(update={"port": self._settings.feed.http_port})
        return self._settings.model_copy(update={"http": http})


def need_entities(settings: Settings) -> None:
    """Check that there are entities where only posts with entities are wanted.

    Raises:
        SettingsError: The settings list none.
    """
    if settings.feed.only_entities and not settings.entities:
        raise SettingsError("posts with entities are asked for, and there are none: add [[entities]] to the settings")


def posts_topic(settings: Settings, topic: str | None) -> str:
    """Return the topic of posts: the given one, or the settings' first one.

    Raises:
        SettingsError: It has wildcards, or nodes would receive the changes as tweets.
    """
    chosen = topic or settings.topics.tweet_topics[0]
    if "+" in chosen or "#" in chosen:
        raise SettingsError(f"topics.tweets is '{chosen}', which has wildcards: name a topic to send to by --topic")
    changes = settings.feed.changes_topic
    for tweets in (chosen, *settings.topics.tweet_topics):
        if matches(tweets, changes):
            raise SettingsError(f"feed.changes_topic '{changes}' would come back as tweets from '{tweets}'")
    return chosen


def _seconds_of(cursor: Cursor | None) -> float:
    """Return the time of a position, in seconds since the epoch; 0 without one."""
    if cursor is None:
        return 0.0
    time_us, at = cursor.get("time_us"), cursor.get("at")
    if isinstance(time_us, int):
        return time_us / 1e6
    return float(at) if isinstance(at, int | float) else 0.0
