"""The numbers of a node in one flat message, for home automation."""

from prometheus_client.metrics_core import Metric
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from stream.power.monitor import EnergyMessage, EstimateFields
from stream.telemetry.resources import ResourceCollector
from stream.web.page.status import NodeStatus

_TEMPERATURE = "starling_system_temperature_celsius"


@with_config(ConfigDict(use_attribute_docstrings=True))
class NodeState(TypedDict):
    """The numbers of a node; null stands for an unknown value."""

    ready: bool
    """True if a tweet would be labelled now."""
    tweets_per_second: float | None
    """Tweets received per second, over the last ten seconds."""
    rejected_per_second: float | None
    """Messages rejected per second, over the last ten seconds."""
    labelled_total: int
    """Tweets labelled since the start of the service."""
    in_progress: int
    """Tweets received and not acknowledged yet."""
    latency_p50_seconds: float | None
    """Median time from a tweet's arrival to its acknowledgement, over the last minute."""
    latency_p99_seconds: float | None
    """99th percentile of that time."""
    temperature_celsius: float | None
    """The highest temperature of the machine."""
    power_watts: float | None
    """Power consumption."""
    energy_joules_total: float | None
    """Energy since the start of the service."""
    joules_per_tweet: float | None
    """Energy per tweet, of the whole machine."""


def node_state(status: NodeStatus, resources: ResourceCollector) -> NodeState:
    """Return the numbers of a node.

    Args:
        status: The node's status.
        resources: The machine's values, as they were read last.
    """
    shown = status.as_json()
    tweets, latency = shown["tweets"], shown["latency_seconds"]
    power: EnergyMessage | None = shown["power"]
    return {
        "ready": shown["ready"],
        "tweets_per_second": _rounded(tweets["received_per_second"]),
        "rejected_per_second": _rounded(tweets["rejected_per_second"]),
        "labelled_total": round(tweets["labelled"]),
        "in_progress": round(tweets["in_progress"]),
        "latency_p50_seconds": _rounded(latency["p50"]),
        "latency_p99_seconds": _rounded(latency["p99"]),
        "temperature_celsius": _rounded(_temperature(resources)),
        "power_watts": _value(power["watts"]) if power else None,
        "energy_joules_total": _value(power["joules_total"]) if power else None,
        "joules_per_tweet": _value(power["joules_per_tweet"]["all"]) if power else None,
    }


def _temperature(resources: ResourceCollector) -> float | None:
    families: list[Metric] = [family for family in resources.collect() if family.name == _TEMPERATURE]
    return max((sample.value for family in families for sample in family.samples), default=None)


def _value(estimate: EstimateFields | None) -> float | None:
    return None if estimate is None else estimate["value"]


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
