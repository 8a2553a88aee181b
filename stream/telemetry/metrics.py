"""Every number that Starling exports, in one place, by Prometheus' conventions.

Base units, totals as counters, ratios from 0 to 1, every known label there from the start with the value 0, and no
label whose values could grow without bound.
"""

from dataclasses import asdict
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from stream import __version__
from stream.tweets.labels import ModelIdentity
from stream.tweets.polarity import POLARITIES
from stream.tweets.rejections import Reason

disable_created_metrics()  # type: ignore[no-untyped-call]  # a gauge for each counter that nobody asks for

STAGES = ("decode", "queue", "inference", "publish")


class BatchSizeReason(StrEnum):
    """What decided the size of a batch."""

    EMPTIED = "emptied"
    """No more tweets of its length waited."""
    SHARED = "shared"
    """More waited, and were left to the other interpreters that were free."""
    FULL = "full"
    """More waited than a batch may hold."""


_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_TOKENS = (4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 80, 128, 256, 512)
_RATIOS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
_LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """The service's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

        self._count_tweets()
        self._measure_tweets()
        self._show_what_is_held()
        self._show_the_service()
        self._preset_labels()

    def set_model(self, model: ModelIdentity) -> None:
        """Set the model that labels from now on."""
        self.model_info.info(asdict(model))

    def _count_tweets(self) -> None:
        registry = self.registry
        self.received = Counter("starling_tweets_received", "Messages taken from the broker.", registry=registry)
        self.classified = Counter(
            "starling_tweets_classified", "Tweets labelled, by polarity.", ["polarity"], registry=registry
        )
        self.rejected = Counter(
            "starling_tweets_rejected",
            "Messages that could not be labelled, by reason.",
            ["reason"],
            registry=registry,
        )
        self.redelivered = Counter(
            "starling_tweets_redelivered",
            "Tweets that the broker sent again and whose label was still known.",
            registry=registry,
        )
        self.repeated = Counter(
            "starling_tweets_repeated",
            "Tweets that read like one classified lately, and got its result.",
            registry=registry,
        )
        self.truncated = Counter(
            "starling_tweets_truncated", "Tweets with more tokens than the model reads.", registry=registry
        )
        self.responses_refused = Counter(
            "starling_responses_refused", "Response topics that were not honoured.", registry=registry
        )

    def _measure_tweets(self) -> None:
        registry = self.registry
        self.stage_seconds = Histogram(
            "starling_stage_seconds", "Time in each stage.", ["stage"], buckets=_SECONDS, registry=registry
        )
        self.tweet_seconds = Histogram(
            "starling_tweet_seconds",
            "Time from a tweet's arrival to its acknowledgement.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.tokens = Histogram("starling_tweet_tokens", "Tokens in a tweet.", buckets=_TOKENS, registry=registry)
        self.confidence = Histogram(
            "starling_confidence_ratio", "Probability of the polarity given.", buckets=_RATIOS, registry=registry
        )

    def _show_what_is_held(self) -> None:
        registry = self.registry
        self.in_progress = Gauge(
            "starling_tweets_in_progress", "Tweets taken and not yet acknowledged.", registry=registry
        )
        self.window = Gauge("starling_window_tweets", "Tweets taken and held at once, at most.", registry=registry)
        self.batch_size = Histogram(
            "starling_batch_size", "Tweets in an inference.", buckets=_BATCH_SIZES, registry=registry
        )
        self.batches = Counter(
            "starling_batches",
            "Batches that left for inference, by what decided their size.",
            ["reason"],
            registry=registry,
        )
        self.waiting = Gauge("starling_batcher_waiting", "Tweets that wait for an interpreter.", registry=registry)
        self.oldest_wait_seconds = Gauge(
            "starling_batcher_oldest_wait_seconds", "How long the oldest of them has waited.", registry=registry
        )

    def _show_the_service(self) -> None:
        registry = self.registry
        self.model_swaps = Counter(
            "starling_model_swaps", "Models asked for while the service ran.", ["result"], registry=registry
        )
        self.ready = Gauge("starling_ready", "1 while a tweet would be labelled, else 0.", registry=registry)
        self.broker_connected = Gauge(
            "starling_broker_connected", "1 while connected to the broker, else 0.", registry=registry
        )
        self.in_group = Gauge(
            "starling_group_member",
            "1 while this node takes its share of a group's tweets, else 0.",
            registry=registry,
        )
        self.reconnects = Counter("starling_broker_reconnects", "Connections made after the first.", registry=registry)
        self.loop_lag_seconds = Histogram(
            "starling_event_loop_lag_seconds",
            "How late the event loop runs what is due.",
            buckets=_LAG_SECONDS,
            registry=registry,
        )
        self.tasks = Gauge(
            "starling_event_loop_tasks",
            "Tasks of the event loop that have not ended: one for each tweet in progress, and a few that stay.",
            registry=registry,
        )
        self.model_info = Info("starling_model", "The model that labels.", registry=registry)
        Info("starling_build", "The software that runs.", registry=registry).info({"version": __version__})

    def _preset_labels(self) -> None:
        for polarity in POLARITIES:
            self.classified.labels(polarity)
        for reason in Reason:
            self.rejected.labels(reason)
        for result in ("swapped", "refused"):
            self.model_swaps.labels(result)
        for reason in BatchSizeReason:
            self.batches.labels(reason)
        for stage in STAGES:
            self.stage_seconds.labels(stage)
