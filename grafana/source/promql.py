"""PromQL expressions for the nodes that are selected in a dashboard."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """A query to Prometheus.

    Args:
        expression: PromQL with Grafana's variables.
        legend: Name of the series.
    """

    expression: str
    legend: str = ""


def chosen(metric: str, where: str = "") -> str:
    """Select a metric of the selected nodes; `where` has further conditions, for example `share="all"`."""
    return f'{metric}{{instance=~"$node"{", " + where if where else ""}}}'


def rate(counter: str, by: str = "", where: str = "") -> str:
    """Compute a counter's growth per second, summed over all labels except those in `by`."""
    return f"{_sum(by)}(rate({chosen(counter, where)}[$__rate_interval]))"


def growth(counter: str, over: str, by: str = "", where: str = "") -> str:
    """Compute a counter's growth over a duration such as `1h`, summed over all labels except those in `by`."""
    return f"{_sum(by)}(increase({chosen(counter, where)}[{over}]))"


def ratio(part: str, whole: str, by: str = "") -> str:
    """Compute the growth of one counter divided by the growth of another."""
    return f"{rate(part, by)} / {rate(whole, by)}"


def mean(histogram: str, by: str = "") -> str:
    """Compute the mean of a histogram's observations."""
    return ratio(f"{histogram}_sum", f"{histogram}_count", by)


def quantiles(histogram: str, by: str = "", *, of: Sequence[float] = (0.5, 0.9, 0.99), where: str = "") -> list[Query]:
    """Compute quantiles of a histogram's observations.

    Args:
        histogram: Name of the histogram.
        by: Label to group by; empty: none.
        of: Quantiles, 0 to 1.
        where: Further conditions.
    """
    buckets = rate(f"{histogram}_bucket", f"{by}, le" if by else "le", where)
    prefix = f"{{{{{by}}}}} " if by else ""
    return [Query(f"histogram_quantile({share}, {buckets})", f"{prefix}p{share * 100:g}") for share in of]


def top(query: Query, count: int = 10, *, lowest: bool = False) -> Query:
    """Select the series with the highest or lowest values of the whole time range: fifty lines cannot be read.

    Without `@ end()` each step would have a top of its own, and a graph nearly all series.
    """
    select, extreme = ("bottomk", "min_over_time") if lowest else ("topk", "max_over_time")
    chosen = f"{select}({count}, {extreme}(({query.expression})[$__range:$__interval] @ end()))"
    return Query(f"({query.expression}) and {chosen}", query.legend)


def _sum(by: str) -> str:
    return f"sum by ({by}) " if by else "sum"
