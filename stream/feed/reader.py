"""Reading of a source: connects again where a connection is lost, filters, and passes on what is to be published."""

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import dataclass

from stream.feed.events import Deletion, Event, Gap, Heartbeat, Ignored, Opened, Post, Reason
from stream.feed.filters import Filter
from stream.feed.messages import deletion_message, edit_message, gap_message, post_message, utc
from stream.feed.metrics import FeedMetrics
from stream.feed.progress import FeedHealth
from stream.feed.recent import RecentlySeen
from stream.feed.source import Source, SourceError
from stream.feed.window import Outgoing, Window

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 30.0
"""Time for a source to accept a connection."""


@dataclass(frozen=True)
class Selection:
    """The posts that are published, and the topics."""

    post_filter: Filter
    posts_topic: str
    changes_topic: str
    """Topic of edits, deletions and gaps."""
    most: int | None = None
    """Number of posts after which reading ends; None: no limit."""


class Reader:
    """Reads a source until it is stopped or has reached the limit.

    Args:
        source: The source.
        selection: The posts that are published, and the topics.
        window: Holds the messages until they are confirmed.
        metrics: Counts the events.
        health: Learns about the connection and the progress.
    """

    def __init__(
        self, source: Source, selection: Selection, window: Window, metrics: FeedMetrics, health: FeedHealth
    ) -> None:
        self._source = source
        self._selection = selection
        self._window = window
        self._metrics = metrics
        self._health = health
        self._delays = source.delays()
        self._recent = RecentlySeen()
        self._connections = 0
        self._counted = 0
        self._without_data = True
        """True until the current connection has brought data."""
        self._lost_at: float | None = time.monotonic()
        self.counts: dict[str, int] = {}
        """Number of events by kind, or by the reason why they were left out."""

    @property
    def lost_seconds(self) -> float:
        """Time since the connection to the source was lost; 0 while connected."""
        return 0.0 if self._lost_at is None else time.monotonic() - self._lost_at

    async def run(self) -> None:
        """Read, and connect again after each loss, until the limit is reached.

        A full window stops the reading, and so the source.

        Raises:
            TokenError: The source does not accept the token.
        """
        while not self._has_enough():
            self._health.reader.expect_within(2 * CONNECT_SECONDS)
            try:
                await self._read_connection()
            except SourceError as error:
                await self._wait_after(error)

    async def announce(self, gap: Gap) -> None:
        """Publish a gap that was found before the source was connected."""
        await self._take_gap(gap)

    async def _read_connection(self) -> None:
        try:
            async with aclosing(self._source.connect(self._window.received)) as events:
                async for event in events:
                    await self._take(event)
                    if self._has_enough():
                        return
            raise SourceError(f"{self._source.name}: the source has ended the connection")
        finally:
            if self._lost_at is None:
                self._lost_at = time.monotonic()
            self._metrics.source_connected.set(0)
            self._health.obstacles["source"] = "the source is not connected"

    async def _wait_after(self, error: SourceError) -> None:
        delay = self._delays.after(error)
        logger.warning("%s; the next attempt follows in %.1f s", error, delay)
        self._health.obstacles["source"] = str(error)
        self._health.reader.expect_within(delay + CONNECT_SECONDS)
        await asyncio.sleep(delay)

    def _has_enough(self) -> bool:
        return self._selection.most is not None and self._counted >= self._selection.most

    async def _take(self, event: Event) -> None:
        self._health.reader.expect_within(self._source.allowed_silence_seconds)
        if isinstance(event, Opened):
            self._note_opened(event)
            return
        if isinstance(event, Gap):
            await self._take_gap(event)
            return
        if self._without_data:
            self._without_data = False
            self._delays.reset()
        if isinstance(event, Heartbeat):
            self._window.skip(event.cursor, None)
            return
        self._metrics.received.inc()
        if isinstance(event, Post):
            await self._take_post(event)
        elif isinstance(event, Deletion):
            await self._take_deletion(event)
        else:
            self._leave_out(event)

    def _note_opened(self, event: Opened) -> None:
        self._connections += 1
        self._without_data = True
        if self._connections > 1:
            self._metrics.source_reconnects.inc()
        self._lost_at = None
        self._metrics.source_connected.set(1)
        self._health.obstacles.pop("source", None)
        logger.info("connected to %s", event.address)

    async def _take_post(self, post: Post) -> None:
        if self._source.charges_per_post:
            self._counted += 1
        if self._recent.seen_before(f"{post.id}\n{post.version}" if post.edited else post.id):
            self._leave_out(Ignored(Reason.REPEATED, post.cursor, post.at))
            return
        judged = self._selection.post_filter.judge(post)
        if isinstance(judged, Ignored):
            self._leave_out(judged)
            return
        if not self._source.charges_per_post:
            self._counted += not judged.edited
        is_post = not judged.edited or bool(judged.replaces)
        if judged.edited:
            payload = edit_message(judged, self._source.name)
            await self._pass_on(self._selection.changes_topic, payload, "edit", judged, is_last=not is_post)
        if is_post:
            await self._pass_on(self._selection.posts_topic, post_message(judged, self._source.name), "post", judged)

    async def _take_deletion(self, deletion: Deletion) -> None:
        if self._recent.seen_before(f"{deletion.id}\ndeleted"):
            self._leave_out(Ignored(Reason.REPEATED, deletion.cursor, deletion.at))
        else:
            payload = deletion_message(deletion, self._source.name)
            await self._pass_on(self._selection.changes_topic, payload, "deletion", deletion)

    async def _take_gap(self, gap: Gap) -> None:
        length = "of unknown length" if gap.seconds is None else f"of {gap.seconds:.1f} s"
        since = "" if gap.since is None else f" since {utc(gap.since)}"
        logger.warning("gap %s%s: posts of this time cannot be had (%s)", length, since, gap.reason)
        self._metrics.gaps.labels(gap.reason).inc()
        self._metrics.gap_seconds.inc(max(0.0, gap.seconds or 0.0))
        await self._pass_on(self._selection.changes_topic, gap_message(gap, self._source.name), "gap", None)

    def _leave_out(self, event: Ignored) -> None:
        self._count(event.reason)
        self._metrics.filtered.labels(event.reason).inc()
        self._window.skip(event.cursor, None if event.at is None else time.time() - event.at)

    async def _pass_on(
        self, topic: str, payload: bytes, kind: str, event: Post | Deletion | None, *, is_last: bool = True
    ) -> None:
        """Pass on a message, with the position of its event unless another message of the event follows."""
        self._count(kind)
        at = None if event is None else event.at
        delay = 0.0 if at is None else time.time() - at
        cursor = event.cursor if event and is_last else None
        message = Outgoing(topic, payload, kind, cursor, delay, time.monotonic())
        if self._window.is_full:
            self._health.reader.expect_none()  # the publisher has to make progress first
        await self._window.add(message)
        self._health.reader.expect_within(self._source.allowed_silence_seconds)

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
