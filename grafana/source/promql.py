"""What Prometheus is asked, of the nodes that are chosen at the top of a dashboard."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """What Prometheus is asked.

    Args:
        expression: In PromQL, with Grafana's variables.
        legend: What its series are called.
    """

    expression: str
    legend: str = ""


def chosen(metric: str, where: str = "") -> str:
    """A metric of the chosen nodes; `where` has further conditions, such as `share="all"`."""
    return f'{metric}{{instance=~"$node"{", " + where if where else ""}}}'


def rate(counter: str, by: str = "", where: str = "") -> str:
    """How much a counter grows each second, summed up but for the labels in `by`."""
    return f"{_sum(by)}(rate({chosen(counter, where)}[$__rate_interval]))"


def growth(counter: str, over: str, by: str = "", where: str = "") -> str:
    """How much a counter has grown over some time such as `1h`, summed up but for the labels in `by`."""
    return f"{_sum(by)}(increase({chosen(counter, where)}[{over}]))"


def ratio(part: str, whole: str, by: str = "") -> str:
    """How much of one counter's growth there is for each unit of another's."""
    return f"{rate(part, by)} / {rate(whole, by)}"


def mean(histogram: str, by: str = "") -> str:
    """The mean of what a histogram has observed."""
    return ratio(f"{histogram}_sum", f"{histogram}_count", by)


def quantiles(histogram: str, by: str = "", *, of: Sequence[float] = (0.5, 0.9, 0.99), where: str = "") -> list[Query]:
    """Ask for quantiles of what a histogram has observed.

    Args:
        histogram: Its name.
        by: A label to keep apart, if any.
        of: Which quantiles, 0 to 1.
        where: Further conditions.
    """
    buckets = rate(f"{histogram}_bucket", f"{by}, le" if by else "le", where)
    prefix = f"{{{{{by}}}}} " if by else ""
    return [Query(f"histogram_quantile({share}, {buckets})", f"{prefix}p{share * 100:g}") for share in of]


def _sum(by: str) -> str:
    return f"sum by ({by}) " if by else "sum"
