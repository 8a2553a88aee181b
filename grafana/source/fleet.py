"""The fleet: what comes in, what goes wrong, how long it takes (RED), and who is behind."""

from grafana.source.board import board
from grafana.source.panels import PER_SECOND, Limits, Panel, graph, node_table, number, polarities, states
from grafana.source.promql import Query, chosen, quantiles, rate, ratio

_SLOW = Limits(caution=0.25, bad=1)
_REJECTED = Limits(caution=0.02, bad=0.1)
_FULL = Limits(caution=0.7, bad=0.9)


def fleet() -> str:
    """The dashboard's JSON."""
    return board(
        "fleet",
        "What the nodes take in, reject and label, how long it takes, and which of them cannot keep up.",
        {"Now": _now(), "Tweets": _tweets(), "Who is behind": _who_is_behind(), "Broker": _broker()},
    )


def _now() -> list[Panel]:
    known, ready = chosen("up", 'job="starling"'), chosen("starling_ready")
    return [
        number(
            "Nodes not ready",
            "Nodes that do not answer, or answer and would not label a tweet now.",
            "short",
            Query(f"count({known}) - (sum({ready}) or vector(0))"),
            limits=Limits(caution=1, bad=2),
        ),
        number(
            "Tweets in",
            "Messages that all nodes together take from the broker.",
            PER_SECOND,
            Query(rate("starling_tweets_received_total")),
        ),
        number(
            "Rejected",
            "The share of messages that no label could be made for.",
            "percentunit",
            Query(ratio("starling_tweets_rejected_total", "starling_tweets_received_total")),
            limits=_REJECTED,
        ),
        number(
            "Latency, p99",
            "From a tweet's arrival at a node to its acknowledgement: 99 in 100 are quicker.",
            "s",
            *quantiles("starling_tweet_seconds", of=[0.99]),
            limits=_SLOW,
        ),
        number(
            "Waiting at the broker",
            "Messages that the broker keeps for clients; needs broker.sys_metrics on a node.",
            "short",
            Query("starling:broker_backlog:messages"),
            limits=Limits(caution=100, bad=1000),
        ),
        number(
            "Alerts",
            "Starling's alerts that fire now, of all nodes.",
            "short",
            Query('count(ALERTS{alertname=~"Starling.+", alertstate="firing"}) or vector(0)'),
            limits=Limits(caution=1, bad=3),
        ),
    ]


def _tweets() -> list[Panel]:
    return [
        graph(
            "Tweets in, by node",
            "Messages that each node takes from the broker. Within a group the shares are alike, unless one is behind.",
            PER_SECOND,
            Query(rate("starling_tweets_received_total", by="instance"), "{{instance}}"),
            stacked=True,
        ),
        polarities(
            graph(
                "Polarity",
                "Labels that all nodes together make.",
                PER_SECOND,
                Query(rate("starling_tweets_classified_total", by="polarity"), "{{polarity}}"),
                stacked=True,
            )
        ),
        graph(
            "Latency",
            "From a tweet's arrival at a node to its acknowledgement, over all nodes.",
            "s",
            *quantiles("starling_tweet_seconds"),
            limits=_SLOW,
        ),
        graph(
            "Latency by node, p99",
            "From a tweet's arrival to its acknowledgement: 99 in 100 are quicker.",
            "s",
            *quantiles("starling_tweet_seconds", "instance", of=[0.99]),
            limits=_SLOW,
        ),
        graph(
            "Rejected, by reason",
            "Messages that no label could be made for. The README says what each reason means.",
            PER_SECOND,
            Query(rate("starling_tweets_rejected_total", by="reason"), "{{reason}}"),
            stacked=True,
        ),
        graph(
            "Rejected, by node",
            "The share of a node's messages that no label could be made for.",
            "percentunit",
            Query(
                ratio("starling_tweets_rejected_total", "starling_tweets_received_total", by="instance"), "{{instance}}"
            ),
            limits=_REJECTED,
        ),
    ]


def _who_is_behind() -> list[Panel]:
    started = chosen("process_start_time_seconds", 'job="starling"')

    def of_node(expression: str) -> str:
        """Leave a value its node's name alone: what else there is would keep the table's rows apart."""
        return f"max by (instance) ({expression})"

    return [
        node_table(
            "Nodes",
            "A click on a node's name leads to its dashboard. A window that stays full means that the node is behind.",
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
            "Tweets that a node holds, of those that it may hold at once. At 100 % it takes no more: the rest waits at "
            "the broker, or in a group goes to the others.",
            "percentunit",
            Query(chosen("instance:starling_window:ratio"), "{{instance}}"),
            limits=_FULL,
        ),
        states(
            "Place in the group",
            "Whether a node takes its share of its group's tweets. One that is behind steps out until it has caught "
            "up; one that is in no group takes all tweets, and shows as not sharing.",
            {0: "not sharing", 1: "sharing"},
            Query(f"max by (instance) ({chosen('starling_group_member')})", "{{instance}}"),
        ),
    ]


def _broker() -> list[Panel]:
    return [
        graph(
            "Messages through the broker",
            "What Mosquitto says it was sent, sent on and dropped; needs broker.sys_metrics on a node. Dropped ones "
            "are lost for whoever they were meant for.",
            PER_SECOND,
            Query("max(rate(starling_broker_messages_received_total[$__rate_interval]))", "in"),
            Query("max(rate(starling_broker_messages_sent_total[$__rate_interval]))", "out"),
            Query("max(rate(starling_broker_messages_dropped_total[$__rate_interval]))", "dropped"),
        ),
        graph(
            "Waiting at the broker",
            "Messages kept for clients, and clients that are away while the broker keeps a session for them.",
            "short",
            Query("starling:broker_backlog:messages", "messages"),
            Query("max(starling_broker_clients_away)", "clients away"),
            Query("max(starling_broker_clients_connected)", "clients connected"),
        ),
    ]
