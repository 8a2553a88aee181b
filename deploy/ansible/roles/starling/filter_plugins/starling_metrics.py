"""What two looks at a node's metrics tell of the time between them, and whether it labels worse than before."""

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

Figures = Mapping[str, float]
_COUNTERS = (
    "starling_tweets_received_total",
    "starling_tweets_rejected_total",
    "starling_tweet_seconds_sum",
    "starling_tweet_seconds_count",
)
_STARTED = "process_start_time_seconds"
_SLACK_SECONDS = 0.02
"""A tweet may take this much longer whatever it took before: a few milliseconds double easily, and harm nobody."""


def figures(first: str, second: str) -> dict[str, float]:
    """What happened between two looks at the metrics.

    Args:
        first: The metrics, in Prometheus' text format.
        second: The same, some time later.

    Returns:
        How many messages were `received` and `finished`, which share was `rejected_ratio`, how long a tweet took
        (`latency_seconds`, the mean), and whether the process `restarted` (1 or 0).
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


def complaints(
    before: Figures, after: Figures, *, fewest_tweets: int, most_latency_ratio: float, most_rejected_rise: float
) -> list[str]:
    """Say in which way a node labels worse than before; empty where it does not, or too little came to tell.

    Args:
        before: Its figures before; empty where it did not serve then.
        after: Its figures now.
        fewest_tweets: What must have been finished in each of the two to be compared.
        most_latency_ratio: How many times as long a tweet may take on average.
        most_rejected_rise: How much the rejected share may rise.
    """
    if after["restarted"]:
        return ["the service did not stay up while it was watched"]
    if not comparable(before, after, fewest_tweets):
        return []
    found = []
    most_seconds = before["latency_seconds"] * most_latency_ratio + _SLACK_SECONDS
    if after["latency_seconds"] > most_seconds:
        found.append(
            f"a tweet takes {1000 * after['latency_seconds']:.1f} ms where it took "
            f"{1000 * before['latency_seconds']:.1f} ms, and may take {1000 * most_seconds:.1f} ms"
        )
    if after["rejected_ratio"] > before["rejected_ratio"] + most_rejected_rise:
        found.append(
            f"{after['rejected_ratio']:.1%} of the messages are rejected where it was {before['rejected_ratio']:.1%}"
        )
    return found


def comparable(before: Figures, after: Figures, fewest_tweets: int) -> bool:
    """Whether enough was finished before and after to compare."""
    return bool(before) and min(before["finished"], after["finished"]) >= fewest_tweets


def account(before: Figures, after: Figures) -> str:
    """One line for the one who watches the roll-out."""
    earlier = f", before {_line(before)}" if before else ""
    return f"{_line(after)}{earlier}"


def _line(of: Figures) -> str:
    return (
        f"{of['finished']:.0f} tweets, {1000 * of['latency_seconds']:.1f} ms each, {of['rejected_ratio']:.1%} rejected"
    )


def _samples(metrics: str) -> dict[str, float]:
    """Add up the samples of each name, whatever their labels."""
    sums = dict.fromkeys((*_COUNTERS, _STARTED), 0.0)
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name in sums:
                sums[sample.name] += sample.value
    return sums


class FilterModule:
    """Ansible finds the filters by this name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters' names in playbooks."""
        return {"starling_figures": figures, "starling_complaints": complaints, "starling_account": account}
