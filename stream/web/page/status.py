"""The node's current status, as its page shows it."""

from typing import Any

from stream import __version__
from stream.power.monitor import PowerMonitor
from stream.settings import Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.tweets.polarity import POLARITIES
from stream.web.page.history import INTERVAL_SECONDS, CounterSnapshot, History, buckets, total
from stream.web.page.quantile import quantile

_RATE_SECONDS = 10.0
_LATENCY_SECONDS = 60.0


class NodeStatus:
    """The status of a node.

    Args:
        settings: The node's name, and the largest number of tweets that it holds.
        metrics: The node's counters.
        health: The node's state.
    """

    def __init__(self, settings: Settings, metrics: Metrics, health: Health) -> None:
        self.history = History(metrics)
        self._settings = settings
        self._metrics = metrics
        self._health = health
        self._power: PowerMonitor | None = None

    def show_power_of(self, monitor: PowerMonitor) -> None:
        """Show a monitor's measurements from now on."""
        self._power = monitor

    def as_json(self) -> dict[str, Any]:
        """Return the current values; None stands for an unknown value."""
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
                "counts": self.history.labels_by_interval(now),
            },
            "power": self._power.summary() if self._power else None,
        }

    def _model(self) -> dict[str, str] | None:
        (family,) = self._metrics.model_info.collect()
        return family.samples[0].labels or None

    def _tweets(self, now: CounterSnapshot) -> dict[str, float | None]:
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

    def _latency(self, now: CounterSnapshot) -> dict[str, float | None]:
        before = self.history.before(now, _LATENCY_SECONDS)
        bounds = list(buckets(self._metrics.tweet_seconds))
        counts = [later - earlier for earlier, later in zip(before.latencies, now.latencies, strict=True)]
        return {name: quantile(share, bounds, counts) for name, share in (("p50", 0.5), ("p99", 0.99))}
