"""What a node does now, in numbers, as its page shows them."""

from typing import Any

from stream import __version__
from stream.power.monitor import PowerMonitor
from stream.settings import Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.tweets.polarity import POLARITIES
from stream.web.page.history import INTERVAL_SECONDS, History, Snapshot, buckets, total
from stream.web.page.quantile import quantile

_RATE_SECONDS = 10.0
_LATENCY_SECONDS = 60.0


class Now:
    """Tells what the node does.

    Args:
        settings: The node's name, and how many tweets it may hold.
        metrics: What it has counted.
        health: Whether it works, and if not, why.
    """

    def __init__(self, settings: Settings, metrics: Metrics, health: Health) -> None:
        self.history = History(metrics)
        self._settings = settings
        self._metrics = metrics
        self._health = health
        self._power: PowerMonitor | None = None

    def weighed_by(self, monitor: PowerMonitor) -> None:
        """Show what this one measures, from now on."""
        self._power = monitor

    def as_json(self) -> dict[str, Any]:
        """The numbers of this moment; None for what is not known."""
        now = self.history.now()
        missing = self._health.missing()
        return {
            "node": self._settings.node,
            "version": __version__,
            "uptime_seconds": self._health.uptime_seconds,
            "ready": not missing,
            "missing": missing,
            "model": self._model(),
            "tweets": self._tweets(now),
            "latency_seconds": self._latency(now),
            "polarity": {
                "labels": POLARITIES,
                "interval_seconds": INTERVAL_SECONDS,
                "counts": self.history.labelled(now),
            },
            "power": self._power.summary() if self._power else None,
        }

    def _model(self) -> dict[str, str] | None:
        (family,) = self._metrics.model_info.collect()
        return family.samples[0].labels or None

    def _tweets(self, now: Snapshot) -> dict[str, float | None]:
        before = self.history.before(now, _RATE_SECONDS)
        seconds = now.at - before.at
        return {
            "received_per_second": (now.received - before.received) / seconds if seconds else None,
            "rejected_per_second": (now.rejected - before.rejected) / seconds if seconds else None,
            "received": now.received,
            "rejected": now.rejected,
            "labelled": sum(now.labelled),
            "in_progress": total(self._metrics.in_progress),
            "at_most": self._settings.broker.receive_maximum,
            "waiting": total(self._metrics.waiting),
            "oldest_wait_seconds": total(self._metrics.oldest_wait_seconds),
        }

    def _latency(self, now: Snapshot) -> dict[str, float | None]:
        before = self.history.before(now, _LATENCY_SECONDS)
        bounds = list(buckets(self._metrics.tweet_seconds))
        counts = [later - earlier for earlier, later in zip(before.latencies, now.latencies, strict=True)]
        return {name: quantile(share, bounds, counts) for name, share in (("p50", 0.5), ("p99", 0.99))}
