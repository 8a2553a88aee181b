"""The feeder's metrics, in a registry of their own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Info
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from stream.feed.events import Reason

PUBLISHED_KINDS = ("post", "edit", "deletion", "gap")
GAP_REASONS = ("position_too_old", "position_unreadable", "no_replay", "backfill_too_short")


class FeedMetrics:
    """The metrics of a feeder on /metrics."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.info = Info("starling_feed", "The source that is read.", registry=registry)
        self._add_counters(registry)
        self._add_gauges(registry)
        for kind in PUBLISHED_KINDS:
            self.published.labels(kind)
            self.refused.labels(kind)
        for reason in Reason:
            self.filtered.labels(reason)
        for gap in GAP_REASONS:
            self.gaps.labels(gap)

    async def refresh(self) -> None:
        """Read nothing before a scrape: all values are kept up to date."""

    def _add_counters(self, registry: CollectorRegistry) -> None:
        self.received = Counter(
            "starling_feed_events_received",
            "Posts, edits, deletions and other messages received from the source.",
            registry=registry,
        )
        self.published = Counter(
            "starling_feed_messages_published",
            "Messages that the broker has confirmed, by kind; deletions, edits and gaps go to the topic of changes.",
            ["kind"],
            registry=registry,
        )
        self.filtered = Counter(
            "starling_feed_events_filtered", "Events that are not published, by reason.", ["reason"], registry=registry
        )
        self.refused = Counter(
            "starling_feed_messages_refused", "Messages that the broker refused, by kind.", ["kind"], registry=registry
        )
        self.gaps = Counter(
            "starling_feed_gaps", "Times whose posts could not be had, by reason.", ["reason"], registry=registry
        )
        self.gap_seconds = Counter(
            "starling_feed_gap_seconds", "Length of the times whose posts could not be had.", registry=registry
        )
        self.source_reconnects = Counter(
            "starling_feed_source_reconnects", "Connections to the source after the first one.", registry=registry
        )
        self.broker_reconnects = Counter(
            "starling_feed_broker_reconnects", "Connections to the broker after the first one.", registry=registry
        )

    def _add_gauges(self, registry: CollectorRegistry) -> None:
        self.lag_seconds = Gauge(
            "starling_feed_lag_seconds",
            "Age of the oldest event that is not published, or time since the source was lost; without either, the "
            "age of the last event when it was published.",
            registry=registry,
        )
        self.cursor_seconds = Gauge(
            "starling_feed_cursor_timestamp_seconds",
            "Time of the stored position in the source, since the epoch; 0: none.",
            registry=registry,
        )
        self.in_flight = Gauge(
            "starling_feed_messages_in_flight", "Messages sent and not confirmed by the broker.", registry=registry
        )
        self.waiting = Gauge(
            "starling_feed_messages_waiting", "Messages received and not confirmed by the broker.", registry=registry
        )
        self.source_connected = Gauge(
            "starling_feed_source_connected", "1 while connected to the source, else 0.", registry=registry
        )
        self.broker_connected = Gauge(
            "starling_feed_broker_connected", "1 while connected to the broker, else 0.", registry=registry
        )
        self.ready = Gauge("starling_feed_ready", "1 while posts can be published, else 0.", registry=registry)
