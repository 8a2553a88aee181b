"""The metrics that Starling exports, by Prometheus' conventions.

Units are base units, totals are counters, ratios are from 0 to 1. Every known label value exists from the start, with
0, and no label can take an unbounded number of values.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from stream import __version__
from stream.telemetry.resources import ResourceCollector
from stream.tweets.labels import Change, ModelIdentity
from stream.tweets.polarity import POLARITIES
from stream.tweets.rejections import Reason

disable_created_metrics()  # type: ignore[no-untyped-call]  # it would add a gauge for each counter

RESULT_KINDS = ("label", "rejection")
STAGES = ("decode", "queue", "inference", "publish")


class BatchSizeReason(StrEnum):
    """The reason for a batch's size."""

    EMPTIED = "emptied"
    """No more tweets of its length bucket waited."""
    SHARED = "shared"
    """More waited, and were left to other free interpreters."""
    FULL = "full"
    """More waited than a batch may hold."""


_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_TOKENS = (4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 80, 128, 256, 512)
_RATIOS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
_LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


def installed_release(prefix: str = sys.prefix) -> str:
    """Return the name of the release's folder if Ansible's role installed it, otherwise the version.

    Args:
        prefix: Folder of the virtual environment, possibly a link.
    """
    folder = Path(prefix).resolve()
    return folder.name if folder.parent.name == "releases" else __version__


class Metrics:
    """The service's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

        self.resources = ResourceCollector()
        registry.register(self.resources)

        self._languages: set[str] = set()
        self._add_tweet_counters()
        self._add_tweet_histograms()
        self._add_queue_metrics()
        self._add_service_metrics()
        self._preset_labels()

    async def refresh(self) -> None:
        """Read the machine's values, before a scrape."""
        await self.resources.refresh()

    def set_model(self, model: ModelIdentity, first: ModelIdentity | None = None) -> None:
        """Set the model that is in use, and the one that answers before it in a cascade; None: there is none."""
        self.model_info.info(asdict(model))
        self.cascade_info.clear()
        if first is not None:
            self.cascade_info.labels(**asdict(first)).set(1)

    def set_route_model(self, model: ModelIdentity | None) -> None:
        """Set the model that tweets in other languages are routed to; None: there is none."""
        self.route_model_info.clear()
        if model is not None:
            self.route_model_info.labels(**asdict(model)).set(1)

    def list_languages(self, languages: Sequence[str]) -> None:
        """Prepare the counters of these languages, and remove those of all others, so that their number is bounded."""
        for removed in self._languages - set(languages):
            for polarity in POLARITIES:
                self.language_labels.remove(removed, polarity)
        self._languages = set(languages)
        for language in languages:
            for polarity in POLARITIES:
                self.language_labels.labels(language, polarity)

    def _add_tweet_counters(self) -> None:
        registry = self.registry
        self.received = Counter("starling_tweets_received", "Messages received from the broker.", registry=registry)
        self.classified = Counter(
            "starling_tweets_classified",
            "Labels, by polarity: one for each tweet, or for each listed entity that it mentions.",
            ["polarity"],
            registry=registry,
        )
        self.entity_labels = Counter(
            "starling_entity_labels",
            "Labels about the entities that the settings list, by entity and polarity.",
            ["entity", "polarity"],
            registry=registry,
        )
        self.language_labels = Counter(
            "starling_language_labels",
            "Labels by language and polarity: the languages that the models label, other and unknown.",
            ["language", "polarity"],
            registry=registry,
        )
        self.entities_left_out = Counter(
            "starling_entities_left_out",
            "Mentions of listed entities without a label, because their tweets mention too many.",
            registry=registry,
        )
        self.rejected = Counter(
            "starling_tweets_rejected",
            "Messages that could not be labelled, by reason.",
            ["reason"],
            registry=registry,
        )
        self.labels_changed = Counter(
            "starling_labels_changed",
            "Labels whose polarity is not the model's most probable one, by the setting in [decision] that changed it.",
            ["reason"],
            registry=registry,
        )
        self.cascade_labels = Counter(
            "starling_cascade_labels",
            "Labels by the model of a cascade that answered: the first, or the second, to which a tweet is passed on.",
            ["model"],
            registry=registry,
        )
        self.redelivered = Counter(
            "starling_tweets_redelivered",
            "Tweets that the broker delivered again and whose label was remembered.",
            registry=registry,
        )
        self.repeated = Counter(
            "starling_tweets_repeated",
            "Tweets with the same tokens as a recent one, which got its result without an inference.",
            registry=registry,
        )
        self.truncated = Counter(
            "starling_tweets_truncated",
            "Tweets that were cut because they had more tokens than the model reads.",
            registry=registry,
        )
        self.results_refused = Counter(
            "starling_results_refused",
            "Labels and rejections that the broker did not accept, by kind; their tweets are done.",
            ["result"],
            registry=registry,
        )
        self.responses_refused = Counter(
            "starling_responses_refused",
            "Replies that were not sent, because their topic is not allowed or the broker refused them.",
            registry=registry,
        )

    def _add_tweet_histograms(self) -> None:
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
            "starling_confidence_ratio",
            "Probability of the most probable polarity.",
            buckets=_RATIOS,
            registry=registry,
        )

    def _add_queue_metrics(self) -> None:
        registry = self.registry
        self.in_progress = Gauge(
            "starling_tweets_in_progress", "Tweets received and not yet acknowledged.", registry=registry
        )
        self.window = Gauge("starling_window_tweets", "Largest number of tweets held at once.", registry=registry)
        self.batch_size = Histogram(
            "starling_batch_size", "Number of tweets in an inference.", buckets=_BATCH_SIZES, registry=registry
        )
        self.batches = Counter(
            "starling_batches",
            "Batches, by the reason for their size.",
            ["reason"],
            registry=registry,
        )
        self.waiting = Gauge("starling_batcher_waiting", "Tweets that wait for an interpreter.", registry=registry)
        self.oldest_wait_seconds = Gauge(
            "starling_batcher_oldest_wait_seconds",
            "Waiting time of the oldest tweet that waits for an interpreter.",
            registry=registry,
        )

    def _add_service_metrics(self) -> None:
        registry = self.registry
        self.model_swaps = Counter(
            "starling_model_swaps",
            "Requests to load a model while the service ran, by result.",
            ["result"],
            registry=registry,
        )
        self.ready = Gauge("starling_ready", "1 while tweets can be labelled, else 0.", registry=registry)
        self.broker_connected = Gauge(
            "starling_broker_connected", "1 while connected to the broker, else 0.", registry=registry
        )
        self.in_group = Gauge(
            "starling_group_member",
            "1 while this node takes its share of its group's tweets, else 0.",
            registry=registry,
        )
        self.reconnects = Counter(
            "starling_broker_reconnects", "Connections to the broker after the first one.", registry=registry
        )
        self.loop_lag_seconds = Histogram(
            "starling_event_loop_lag_seconds",
            "Delay of the event loop's timers.",
            buckets=_LAG_SECONDS,
            registry=registry,
        )
        self.tasks = Gauge(
            "starling_event_loop_tasks",
            "Tasks in the event loop: one for each tweet in progress, and a few permanent ones.",
            registry=registry,
        )
        self.certificate_expiry = Gauge(
            "starling_certificate_expiry_timestamp_seconds",
            "End of the validity of a certificate: the broker's, this node's for the broker and for HTTP, and the "
            "authority that the broker is verified with.",
            ["certificate"],
            registry=registry,
        )
        self.model_info = Info("starling_model", "The model in use.", registry=registry)
        self.route_model_info = Gauge(
            "starling_route_model_info",
            "The model that tweets in other languages are routed to, as labels of the value 1.",
            ["name", "precision", "sha256"],
            registry=registry,
        )
        self.cascade_info = Gauge(
            "starling_cascade_first_model_info",
            "The model that answers first in a cascade, as labels of the value 1.",
            ["name", "precision", "sha256"],
            registry=registry,
        )
        Info("starling_build", "The version of Starling.", registry=registry).info(
            {"version": __version__, "release": installed_release()}
        )

    def _preset_labels(self) -> None:
        for polarity in POLARITIES:
            self.classified.labels(polarity)
        for change in get_args(Change):
            self.labels_changed.labels(change)
        for answering in ("first", "second"):
            self.cascade_labels.labels(answering)
        for reason in Reason:
            self.rejected.labels(reason)
        for result in ("swapped", "refused"):
            self.model_swaps.labels(result)
        for size_reason in BatchSizeReason:
            self.batches.labels(size_reason)
        for kind in RESULT_KINDS:
            self.results_refused.labels(kind)
        for stage in STAGES:
            self.stage_seconds.labels(stage)
