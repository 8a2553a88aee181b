"""Dashboard of the reputation of listed entities: volume, shares, net polarity with its interval, and their changes.

Net polarity is the share of positive labels minus the share of negative ones, -100 % to 100 %. Its interval is that of
Bonett and Price, 'Adjusted Wald confidence interval for a difference of binomial proportions based on paired data'
(2012): one label is added to the positive and to the negative ones, so that few labels give a wide interval, also where
all of them are equal. It holds for labels that are independent of each other: retweets are not.
"""

from typing import Final

from grafana.source.board import board, selection
from grafana.source.panels import (
    Limits,
    Panel,
    band,
    entity_table,
    for_each,
    graph,
    number,
    polarities,
    signed,
)
from grafana.source.promql import Query, growth

_HOUR: Final = "increase1h"
_DAY: Final = "increase1d"
_WEEK_BEFORE: Final = "increase1w_offset1d"
_FEW: Final = 30
"""Labels below which an interval is about 60 points wide or wider, so that it says little."""
_NORMAL: Final = "1.96"
"""The standard normal deviate of a 95 % interval."""


def reputation() -> str:
    """Return the dashboard's JSON."""
    entity = selection(
        "entity",
        "Entity",
        "One entity of the settings, several, or all.",
        "label_values(starling_entity_labels_total, entity)",
    )
    return board(
        "reputation",
        "What tweets imply for entities: how many, how positive, how certain, and what has changed.",
        {"Now": _now(), "Entities": [_entities()], "Over time": _over_time(), "Each entity": _each()},
        variables=[entity],
        since="now-7d",
    )


def _count(window: str, polarity: str = "", by: str = "entity") -> str:
    """Count the labels of the selected entities from the selected nodes."""
    where = f', polarity="{polarity}"' if polarity else ""
    series = f"instance_entity_polarity:starling_entity_labels:{window}"
    return f'sum by ({by}) ({series}{{instance=~"$node", entity=~"$entity"{where}}})'


def _share(window: str, polarity: str) -> str:
    return f"{_count(window, polarity)} / ({_count(window)} > 0)"


def _net(window: str) -> str:
    """Compute the net polarity, -1 to 1."""
    return f"({_count(window, 'positive')} - {_count(window, 'negative')}) / ({_count(window)} > 0)"


def _centre(window: str) -> str:
    """Compute the centre of the interval of the net polarity."""
    return f"(({_count(window, 'positive')} - {_count(window, 'negative')}) / ({_count(window)} + 2))"


def _variance(window: str) -> str:
    """Compute the variance of the net polarity."""
    size = f"({_count(window)} + 2)"
    squares = f"({_count(window, 'positive')} + {_count(window, 'negative')} + 2) / {size}"
    return f"(({squares} - {_centre(window)} ^ 2) / {size})"


def _limit(window: str, sign: str) -> str:
    """Compute the lower (-) or the upper (+) limit of the net polarity."""
    return f"clamp({_centre(window)} {sign} {_NORMAL} * sqrt({_variance(window)}), -1, 1)"


def _change_limit(sign: str) -> str:
    """Compute the lower (-) or the upper (+) limit of the change from the week before to the last day."""
    change = f"{_centre(_DAY)} - {_centre(_WEEK_BEFORE)}"
    return f"clamp({change} {sign} {_NORMAL} * sqrt({_variance(_DAY)} + {_variance(_WEEK_BEFORE)}), -2, 2)"


def _now() -> list[Panel]:
    return [
        number(
            "Entities",
            "Selected entities of the settings.",
            "short",
            Query(f"count({_count(_DAY)})"),
        ),
        number(
            "Labels",
            "Labels about the selected entities in the last day.",
            "short",
            Query(f"sum({_count(_DAY)})"),
        ),
        number(
            "Few labels",
            f"Entities with fewer than {_FEW} labels in the last day: their shares say little.",
            "short",
            Query(f"count({_count(_DAY)} < {_FEW}) or vector(0)"),
            limits=Limits(caution=1, bad=1000),
        ),
        number(
            "Left out",
            "Mentions of entities in the last day that got no label, because their tweets mention more than "
            "limits.entities_per_tweet.",
            "short",
            Query(growth("starling_entities_left_out_total", "1d")),
            limits=Limits(caution=1, bad=1000),
        ),
    ]


def _entities() -> Panel:
    columns = {
        "Labels": (_count(_DAY), "short"),
        "Negative": (_share(_DAY, "negative"), "percentunit"),
        "Neutral": (_share(_DAY, "neutral"), "percentunit"),
        "Positive": (_share(_DAY, "positive"), "percentunit"),
        "Net polarity": (_net(_DAY), "percentunit"),
        "from": (_limit(_DAY, "-"), "percentunit"),
        "to": (_limit(_DAY, "+"), "percentunit"),
        "Labels, week before": (_count(_WEEK_BEFORE), "short"),
        "Net polarity, week before": (_net(_WEEK_BEFORE), "percentunit"),
        "Change": (f"{_net(_DAY)} - {_net(_WEEK_BEFORE)}", "percentunit"),
        "change from": (_change_limit("-"), "percentunit"),
        "change to": (_change_limit("+"), "percentunit"),
    }
    return entity_table(
        "Last day and week before",
        "Labels of the last day, and of the seven days before it. Net polarity: positive minus negative share. 'from' "
        "and 'to' limit its 95 % interval: the fewer labels, the wider it is. A change whose interval contains 0 may "
        "be chance.",
        {heading: (f"max by (entity) ({expression})", unit) for heading, (expression, unit) in columns.items()},
    )


def _over_time() -> list[Panel]:
    return [
        graph(
            "Labels per hour",
            "Labels about each entity in the hour before.",
            "short",
            Query(_count(_HOUR), "{{entity}}"),
        ),
        signed(
            graph(
                "Net polarity",
                "Positive minus negative share of the day before each moment.",
                "percentunit",
                Query(_net(_DAY), "{{entity}}"),
            )
        ),
        graph(
            "Negative share",
            "Share of negative labels of the hour before. An alert compares it with the week before.",
            "percentunit",
            Query(_share(_HOUR, "negative"), "{{entity}}"),
        ),
        polarities(
            graph(
                "Polarity",
                "Share of each polarity of the hour before, over all selected entities.",
                "percentunit",
                Query(
                    f"{_count(_HOUR, by='polarity')} / on () group_left () (sum({_count(_HOUR)}) > 0)",
                    "{{polarity}}",
                ),
                stacked=True,
            )
        ),
    ]


def _each() -> list[Panel]:
    net = graph(
        "Net polarity of $entity",
        "Positive minus negative share of the day before each moment. The area is the 95 % interval: a wide one rests "
        "on few labels.",
        "percentunit",
        Query(_limit(_DAY, "-"), "from"),
        Query(_limit(_DAY, "+"), "to"),
        Query(_net(_DAY), "net polarity"),
    )
    return [for_each(band(signed(net), "from", "to"), "entity")]
