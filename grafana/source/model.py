"""The model: how sure it is, how its labels drift, what it cannot read, and one version beside the other."""

from grafana.source.board import board
from grafana.source.panels import (
    PER_SECOND,
    Limits,
    Panel,
    graph,
    node_table,
    number,
    polarities,
    spread,
    states,
)
from grafana.source.promql import Query, chosen, growth, mean, quantiles, rate, ratio

_DRIFT = Limits(caution=0.1, bad=0.2)
_CUT = Limits(caution=0.01, bad=0.05)


def model() -> str:
    """The dashboard's JSON."""
    return board(
        "model",
        "How sure the model is, whether its labels drift, what it has to cut, and one version beside another.",
        {"Now": _now(), "Confidence and drift": _labels(), "Tokens": _tokens(), "Side by side": _side_by_side()},
    )


def _by_model(of_nodes: str) -> str:
    """Give nodes' figures the name of the model that each labels with."""
    return f"({of_nodes} * on (instance) group_left (model) instance_model:starling_model:info)"


def _now() -> list[Panel]:
    return [
        number(
            "Models in use",
            "Different models that the chosen nodes label with. More than 1 is right only during a roll-out.",
            "short",
            Query(f"count(count by (sha256) ({chosen('starling_model_info')}))"),
            limits=Limits(caution=2, bad=3),
        ),
        number(
            "Confidence",
            "Probability of the polarity given, on average.",
            "percentunit",
            Query(mean("starling_confidence_ratio")),
            limits=Limits(caution=0.7, bad=0.5),
        ),
        number(
            "Drift",
            "How much the last hour's labels differ from the last day's, on the node where they differ most: 0 is not "
            "at all, 100 % is altogether.",
            "percentunit",
            Query(f"max({chosen('instance:starling_label_drift:ratio')})"),
            limits=_DRIFT,
        ),
        number(
            "Cut",
            "The share of tweets with more tokens than the model reads.",
            "percentunit",
            Query(ratio("starling_tweets_truncated_total", "starling_tweet_tokens_count")),
            limits=_CUT,
        ),
        number(
            "Tokens a tweet",
            "On average. The time that an inference takes grows with it.",
            "short",
            Query(mean("starling_tweet_tokens")),
        ),
        number(
            "Models refused",
            "New models that were asked for in the last day and could not be used.",
            "short",
            Query(growth("starling_model_swaps_total", "1d", where='result="refused"')),
            limits=Limits(caution=1, bad=2),
        ),
    ]


def _labels() -> list[Panel]:
    shares = chosen("instance_polarity:starling_tweets_classified:share1h")
    return [
        graph(
            "Confidence",
            "Probability of the polarity given. The lowest line has the tweets that the model is least sure of.",
            "percentunit",
            *quantiles("starling_confidence_ratio", of=[0.1, 0.5, 0.9]),
        ),
        spread(
            "How sure",
            "How many labels were given with which probability.",
            "percentunit",
            Query(growth("starling_confidence_ratio_bucket", "$__rate_interval", by="le"), "{{le}}"),
        ),
        polarities(
            graph(
                "Labels",
                "The share of each polarity over the last hour, on average over the chosen nodes.",
                "percentunit",
                Query(f"avg by (polarity) ({shares})", "{{polarity}}"),
                stacked=True,
            )
        ),
        graph(
            "Drift",
            "Half the sum of the differences between the shares of the last hour and those of the last day. The world "
            "may have changed, or the senders, or the model.",
            "percentunit",
            Query(chosen("instance:starling_label_drift:ratio"), "{{instance}}"),
            limits=_DRIFT,
        ),
    ]


def _tokens() -> list[Panel]:
    return [
        graph(
            "Tokens a tweet",
            "After cleaning, as the model reads them.",
            "short",
            *quantiles("starling_tweet_tokens"),
        ),
        graph(
            "Cut",
            "The share of tweets with more tokens than the model reads: it labels their beginning.",
            "percentunit",
            Query(
                ratio("starling_tweets_truncated_total", "starling_tweet_tokens_count", by="instance"), "{{instance}}"
            ),
            limits=_CUT,
        ),
    ]


def _side_by_side() -> list[Panel]:
    models = chosen("instance_model:starling_model:info")
    labels = _by_model(rate("starling_tweets_classified_total", by="instance"))
    buckets = _by_model(rate("starling_confidence_ratio_bucket", by="instance, le"))
    shares = _by_model(chosen("instance_polarity:starling_tweets_classified:share1h"))
    seconds = _by_model(rate("starling_stage_seconds_sum", by="instance", where='stage="inference"'))
    inferred = _by_model(rate("starling_batch_size_sum", by="instance"))
    joules = chosen("starling_energy_joules_per_tweet", 'share="all"')
    releases = "max by (instance, version) (starling_build_info)"
    return [
        node_table(
            "Who has which",
            "The model and the release of each node, and how many labels it makes.",
            {"Labels": (f"{labels} * on (instance) group_left (version) {releases}", PER_SECOND)},
        ),
        states(
            "Model",
            "Which model a node labelled with, and when.",
            {1: "this one"},
            Query(models, "{{instance}} {{model}}"),
        ),
        graph(
            "Labels, by model",
            "How many labels each model makes.",
            PER_SECOND,
            Query(f"sum by (model) {labels}", "{{model}}"),
            stacked=True,
        ),
        graph(
            "Confidence, by model",
            "Half of a model's labels are surer than this.",
            "percentunit",
            Query(f"histogram_quantile(0.5, sum by (model, le) {buckets})", "{{model}}"),
        ),
        polarities(
            graph(
                "Polarity, by model",
                "The share of each polarity over the last hour. Nodes of one group get alike tweets: where their "
                "shares differ, the models do.",
                "percentunit",
                Query(f"avg by (model, polarity) {shares}", "{{model}} {{polarity}}"),
            )
        ),
        graph(
            "Inference a tweet, by model",
            "Time in the interpreter for each tweet.",
            "s",
            Query(f"sum by (model) {seconds} / sum by (model) {inferred}", "{{model}}"),
        ),
        graph(
            "Energy a tweet, by model",
            "All that was drawn for each label, on the nodes that have a meter.",
            "joule",
            Query(f"avg by (model) {_by_model(f'sum by (instance) ({joules})')}", "{{model}}"),
        ),
        graph(
            "Swaps",
            "Models that were asked for while a node ran, in the last hour.",
            "short",
            Query(growth("starling_model_swaps_total", "1h", by="result"), "{{result}}"),
        ),
    ]
