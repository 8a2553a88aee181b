"""Dashboard of the fleet: rate, errors and duration (the RED method), and overloaded nodes."""

from grafana_foundation_sdk.builders.dashboard import TextBoxVariable

from grafana.source.board import board
from grafana.source.colours import POLARITY
from grafana.source.panels import (
    DISK,
    PER_SECOND,
    VALIDITY,
    WIFI,
    Limits,
    Panel,
    graph,
    node_table,
    number,
    polarities,
    states,
)
from grafana.source.promql import Query, chosen, growth, quantiles, rate, ratio, top

_SLOW = Limits(caution=0.25, bad=1)
_REJECTED = Limits(caution=0.02, bad=0.1)
_DISTANT = Limits(caution=0.15, bad=0.25)
_FULL = Limits(caution=0.7, bad=0.9)


def fleet() -> str:
    """Return the dashboard's JSON."""
    return board(
        "fleet",
        "Tweets received, rejected and labelled by the nodes, their latency, and nodes that are overloaded.",
        {
            "Now": _now(),
            "Tweets": _tweets(),
            "Labels by node": _labels(),
            "Overloaded nodes": _overloaded(),
            "Machines": _machines(),
            "Energy": _energy(),
            "Broker": _broker(),
            "Feeders": _feeders(),
        },
        variables=[_price()],
    )


def _price() -> TextBoxVariable:
    variable = TextBoxVariable("price").label("Price of a kWh").default_value("0.30")
    return variable.description("Price of a kilowatt hour in your currency, for the cost of a million tweets.")


def _now() -> list[Panel]:
    known, ready = chosen("up", 'job="starling"'), chosen("starling_ready")
    return [
        number(
            "Nodes not ready",
            "Nodes that do not answer, or that would not label a tweet now.",
            "short",
            Query(f"count({known}) - (sum({ready}) or vector(0))"),
            limits=Limits(caution=1, bad=2),
        ),
        number(
            "Tweets in",
            "Messages that all nodes together receive from the broker.",
            PER_SECOND,
            Query(rate("starling_tweets_received_total")),
        ),
        number(
            "Rejected",
            "Share of messages that could not be labelled.",
            "percentunit",
            Query(ratio("starling_tweets_rejected_total", "starling_tweets_received_total")),
            limits=_REJECTED,
        ),
        number(
            "Latency, p99",
            "Time from a tweet's arrival at a node to its acknowledgement, 99th percentile.",
            "s",
            *quantiles("starling_tweet_seconds", of=[0.99]),
            limits=_SLOW,
        ),
        number(
            "Waiting at the broker",
            "Messages that the broker stores for clients. Needs broker.sys_metrics on a node.",
            "short",
            Query("starling:broker_backlog:messages"),
            limits=Limits(caution=100, bad=1000),
        ),
        number(
            "Alerts",
            "Firing alerts of Starling, for all nodes.",
            "short",
            Query('count(ALERTS{alertname=~"Starling.+", alertstate="firing"}) or vector(0)'),
            limits=Limits(caution=1, bad=3),
        ),
    ]


def _tweets() -> list[Panel]:
    return [
        graph(
            "Tweets in, by node",
            "Messages that each node receives from the broker. Within a group the shares are equal unless a node is "
            "overloaded.",
            PER_SECOND,
            Query(rate("starling_tweets_received_total", by="instance"), "{{instance}}"),
            stacked=True,
        ),
        polarities(
            graph(
                "Polarity",
                "Labels of all nodes together.",
                PER_SECOND,
                Query(rate("starling_tweets_classified_total", by="polarity"), "{{polarity}}"),
                stacked=True,
            )
        ),
        graph(
            "Latency",
            "Time from a tweet's arrival at a node to its acknowledgement, over all nodes.",
            "s",
            *quantiles("starling_tweet_seconds"),
            limits=_SLOW,
        ),
        graph(
            "Latency by node, p99",
            "Time from a tweet's arrival to its acknowledgement, 99th percentile; the ten slowest nodes.",
            "s",
            *(top(query) for query in quantiles("starling_tweet_seconds", "instance", of=[0.99])),
            limits=_SLOW,
        ),
        graph(
            "Rejected, by reason",
            "Messages that could not be labelled. The README explains the reasons.",
            PER_SECOND,
            Query(rate("starling_tweets_rejected_total", by="reason"), "{{reason}}"),
            stacked=True,
        ),
        graph(
            "Rejected, by node",
            "Share of a node's messages that could not be labelled; the ten nodes with the largest share.",
            "percentunit",
            top(
                Query(
                    ratio("starling_tweets_rejected_total", "starling_tweets_received_total", by="instance"),
                    "{{instance}}",
                )
            ),
            limits=_REJECTED,
        ),
    ]


def _labels() -> list[Panel]:
    return [
        _label_table(),
        graph(
            "Distance from the fleet",
            "Half the sum of the differences between a node's shares of the polarities and the median of all nodes, "
            "over the last hour; the ten nodes with the largest distance. Nodes of a group get similar tweets, so a "
            "large distance means wrong labels.",
            "percentunit",
            top(Query(chosen("instance:starling_label_distance:ratio"), "{{instance}}")),
            limits=_DISTANT,
        ),
        graph(
            "Confidence by node",
            "Mean confidence over the last hour: the ten nodes with the lowest, and the mean of all nodes.",
            "percentunit",
            top(Query(chosen("instance:starling_confidence_ratio:mean1h"), "{{instance}}"), lowest=True),
            Query(f"avg({chosen('instance:starling_confidence_ratio:mean1h')})", "all nodes"),
        ),
    ]


def _label_table() -> Panel:
    share = "instance_polarity:starling_tweets_classified:share1h"
    metrics = {name.capitalize(): (share, f'polarity="{name}"') for name in POLARITY}
    metrics["Confidence"] = ("instance:starling_confidence_ratio:mean1h", "")
    columns: dict[str, tuple[str, str]] = {}
    for heading, (metric, where) in metrics.items():
        own, median = f"max by (instance) ({chosen(metric, where)})", f"quantile(0.5, {metric}{{{where}}})"
        columns[heading] = (own, "percentunit")
        columns[f"{heading}: difference"] = (f"{own} - on () group_left () {median}", "percentunit")
    columns["Distance"] = (f"max by (instance) ({chosen('instance:starling_label_distance:ratio')})", "percentunit")
    return node_table(
        "Labels and confidence",
        "Each node's shares of the polarities and its mean confidence over the last hour, each with its difference "
        "from the median of all nodes. The distance is half the sum of the differences of the shares.",
        columns,
    )


def _machines() -> list[Panel]:
    difference, validity = "instance:starling_clock_difference:seconds", "starling_certificate_validity:seconds"
    return [
        graph(
            "Disk used",
            "The share of the root file system that is used; the ten fullest nodes.",
            "percentunit",
            top(Query(chosen("instance:starling_disk_used:ratio"), "{{instance}}")),
            limits=DISK,
        ),
        graph(
            "Wi-Fi signal",
            "Level of the access point's signal; the ten nodes with the weakest. Below -75 dBm packets are lost.",
            "dBm",
            top(Query(chosen("starling_system_wifi_signal_dbm"), "{{instance}}"), lowest=True),
            limits=WIFI,
        ),
        graph(
            "Wrong clocks",
            "Difference between a node's clock and that of Prometheus; the ten nodes with the largest.",
            "s",
            top(Query(f"abs({chosen(difference)})", "{{instance}}")),
            limits=Limits(caution=1, bad=5),
        ),
        graph(
            "Certificates",
            "Time until a certificate expires, the ten that expire first: the broker's, the authority's that verifies "
            "it, and the nodes' own for the broker (client) and for HTTP.",
            "s",
            top(Query(chosen(f"instance_certificate:{validity}"), "{{instance}} {{certificate}}"), lowest=True),
            limits=VALIDITY,
        ),
    ]


def _energy() -> list[Panel]:
    joules = chosen("starling_energy_joules_per_tweet", 'share="all"')
    return [
        graph(
            "Energy in a day, by node",
            "Energy of the last 24 hours, of the ten nodes with the most; only of nodes with a meter.",
            "joule",
            top(Query(growth("starling_energy_joules_total", "1d", by="instance"), "{{instance}}")),
        ),
        graph(
            "Energy per tweet, by node",
            "Energy consumption per label, idle power included; the ten nodes with the most.",
            "joule",
            top(Query(f"max by (instance) ({joules})", "{{instance}}")),
        ),
        number(
            "Cost of a million tweets",
            "Mean energy per label, for a million labels, at the price of a kilowatt hour in the box above.",
            "short",
            Query(f"avg({joules}) * 1e6 / 3.6e6 * $price"),
        ),
    ]


def _overloaded() -> list[Panel]:
    started = chosen("process_start_time_seconds", 'job="starling"')

    def of_node(expression: str) -> str:
        """Keep only the node's name as a label, because other labels would split the table's rows."""
        return f"max by (instance) ({expression})"

    return [
        node_table(
            "Nodes",
            "A node's name links to its dashboard. If its window stays full, the node is overloaded.",
            {
                "Ready": (of_node(chosen("starling_ready")), "bool_yes_no"),
                "Window full": (of_node(chosen("instance:starling_window:ratio")), "percentunit"),
                "Oldest wait": (of_node(chosen("starling_batcher_oldest_wait_seconds")), "s"),
                "p99": (of_node(chosen("instance:starling_tweet_seconds:p99_rate5m")), "s"),
                "Tweets in": (of_node(chosen("instance:starling_tweets_received:rate5m")), PER_SECOND),
                "Up since": (f"{of_node(started)} * 1000", "dateTimeFromNow"),
            },
        ),
        graph(
            "Window full",
            "Tweets that a node holds, as a share of its maximum. At 100 % it receives no more; further tweets wait "
            "at the broker or, in a group, go to other nodes. The ten fullest nodes.",
            "percentunit",
            top(Query(chosen("instance:starling_window:ratio"), "{{instance}}")),
            limits=_FULL,
        ),
        states(
            "Group membership",
            "Whether a node takes its share of its group's tweets. An overloaded node leaves the group until its "
            "window is free again. A node without a group receives all tweets and is shown as not sharing.",
            {0: "not sharing", 1: "sharing"},
            Query(f"max by (instance) ({chosen('starling_group_member')})", "{{instance}}"),
        ),
    ]


def _broker() -> list[Panel]:
    return [
        graph(
            "Messages through the broker",
            "Messages that Mosquitto received, sent and dropped. Needs broker.sys_metrics on a node. Dropped "
            "messages are lost for the clients that should have received them.",
            PER_SECOND,
            Query("max(rate(starling_broker_messages_received_total[$__rate_interval]))", "in"),
            Query("max(rate(starling_broker_messages_sent_total[$__rate_interval]))", "out"),
            Query("max(rate(starling_broker_messages_dropped_total[$__rate_interval]))", "dropped"),
        ),
        graph(
            "Waiting at the broker",
            "Messages stored for clients, and offline clients whose sessions the broker keeps.",
            "short",
            Query("starling:broker_backlog:messages", "messages"),
            Query("max(starling_broker_clients_away)", "clients away"),
            Query("max(starling_broker_clients_connected)", "clients connected"),
        ),
    ]


def _feeders() -> list[Panel]:
    # Feeders are no nodes: they have no dashboard of their own, and are shown whatever nodes are selected. Spaces in
    # the names of the series keep the links to nodes' dashboards away.
    return [
        graph(
            "Lag of feeders",
            "Age of the oldest post that a feeder has received and not published, or time since it lost its source.",
            "s",
            Query("max by (instance) (starling_feed_lag_seconds)", "{{ instance }}"),
            limits=Limits(caution=30, bad=120),
        ),
        graph(
            "Messages of feeders",
            "Posts, edits, deletions and gaps that feeders publish, and what their filters leave out.",
            PER_SECOND,
            Query("sum by (kind) (rate(starling_feed_messages_published_total[$__rate_interval]))", "{{kind}}"),
            Query("sum(rate(starling_feed_events_filtered_total[$__rate_interval]))", "left out"),
            stacked=True,
        ),
        graph(
            "Gaps of feeders",
            "Time of the last hour whose posts could not be had.",
            "s",
            Query("sum by (instance) (increase(starling_feed_gap_seconds_total[1h]))", "{{ instance }}"),
        ),
        graph(
            "Reconnections of feeders",
            "Connections of the last hour to the source and to the broker, after the first ones.",
            "short",
            Query("sum(increase(starling_feed_source_reconnects_total[1h]))", "source"),
            Query("sum(increase(starling_feed_broker_reconnects_total[1h]))", "broker"),
        ),
    ]
