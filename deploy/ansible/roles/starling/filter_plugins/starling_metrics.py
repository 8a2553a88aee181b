"""Statistics of the time between two readings of a node's metrics, and their comparison with earlier ones."""

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

Statistics = Mapping[str, float]
_COUNTERS = (
    "starling_tweets_received_total",
    "starling_tweets_rejected_total",
    "starling_tweet_seconds_sum",
    "starling_tweet_seconds_count",
)
_STARTED = "process_start_time_seconds"
_TOLERANCE_SECONDS = 0.02
"""Additional tolerance, because short latencies of a few milliseconds can easily double without harm."""


def statistics(first: str, second: str) -> dict[str, float]:
    """Compute the statistics of the time between two readings of the metrics.

    Args:
        first: Metrics in Prometheus' text format.
        second: Later metrics in the same format.

    Returns:
        The numbers of messages `received` and `finished`, the share of rejected ones (`rejected_ratio`), the mean
        latency (`latency_seconds`), and whether the process `restarted` (1 or 0).
    """
    earlier, later = _samples(first), _samples(second)
    restarted = earlier[_STARTED] != later[_STARTED]
    received, rejected, seconds, finished = (later[name] - (0.0 if restarted else earlier[name]) for name in _COUNTERS)
    return {
        "received": received,
        "finished": finished,
        "rejected_ratio": rejected / received if received else 0.0,
        "latency_seconds": seconds / finished if finished else 0.0,
        "restarted": float(restarted),
    }


def regressions(
    before: Statistics, after: Statistics, *, fewest_tweets: int, most_latency_ratio: float, most_rejected_rise: float
) -> list[str]:
    """Find what a node does worse than before; empty if nothing, or if there were too few tweets to compare.

    Args:
        before: Earlier statistics; empty if there are none.
        after: Current statistics.
        fewest_tweets: Minimum number of finished tweets in both for a comparison.
        most_latency_ratio: Maximum ratio of the mean latencies after and before.
        most_rejected_rise: Maximum rise of the share of rejected messages.
    """
    if after["restarted"]:
        return ["the service was restarted while it was observed"]
    if not comparable(before, after, fewest_tweets):
        return []
    found = []
    most_seconds = before["latency_seconds"] * most_latency_ratio + _TOLERANCE_SECONDS
    if after["latency_seconds"] > most_seconds:
        found.append(
            f"a tweet takes {1000 * after['latency_seconds']:.1f} ms, before it took "
            f"{1000 * before['latency_seconds']:.1f} ms, and the limit is {1000 * most_seconds:.1f} ms"
        )
    if after["rejected_ratio"] > before["rejected_ratio"] + most_rejected_rise:
        found.append(
            f"{after['rejected_ratio']:.1%} of the messages are rejected, before it was {before['rejected_ratio']:.1%}"
        )
    return found


def comparable(before: Statistics, after: Statistics, fewest_tweets: int) -> bool:
    """Return whether enough tweets were finished before and after for a comparison."""
    return bool(before) and min(before["finished"], after["finished"]) >= fewest_tweets


def summary(before: Statistics, after: Statistics) -> str:
    """Format the statistics as one line."""
    earlier = f", before {_line(before)}" if before else ""
    return f"{_line(after)}{earlier}"


def _line(of: Statistics) -> str:
    return (
        f"{of['finished']:.0f} tweets, {1000 * of['latency_seconds']:.1f} ms each, {of['rejected_ratio']:.1%} rejected"
    )


def _samples(metrics: str) -> dict[str, float]:
    """Sum the samples of each name over all labels."""
    sums = dict.fromkeys((*_COUNTERS, _STARTED), 0.0)
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name in sums:
                sums[sample.name] += sample.value
    return sums


class FilterModule:
    """Ansible's entry point for filters, found by its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names in playbooks."""
        return {
            "starling_statistics": statistics,
            "starling_regressions": regressions,
            "starling_summary": summary,
        }
