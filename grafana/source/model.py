"""Dashboard of the model: confidence, drift of the labels, truncated tweets, and comparison of versions."""

from grafana.source.board import board
from grafana.source.panels import (
    PER_SECOND,
    Limits,
    Panel,
    graph,
    histogram,
    node_table,
    number,
    polarities,
    states,
)
from grafana.source.promql import Query, chosen, growth, mean, quantiles, rate, ratio

_DRIFT = Limits(caution=0.1, bad=0.2)
_TRUNCATED = Limits(caution=0.01, bad=0.05)


def model() -> str:
    """Return the dashboard's JSON."""
    return board(
        "model",
        "Confidence, drift of the labels, truncated tweets, and comparison of model versions.",
        {
            "Now": _now(),
            "Confidence and drift": _labels(),
            "Languages": _languages(),
            "Tokens": _tokens(),
            "Comparison of models": _comparison(),
        },
    )


def _by_model(per_node: str) -> str:
    """Add to a per-node expression the label `model`, the model that the node uses."""
    return f"({per_node} * on (instance) group_left (model) instance_model:starling_model:info)"


def _now() -> list[Panel]:
    return [
        number(
            "Models in use",
            "Different models in use on the selected nodes. More than 1 is expected only during a roll-out.",
            "short",
            Query(f"count(count by (sha256) ({chosen('starling_model_info')}))"),
            limits=Limits(caution=2, bad=3),
        ),
        number(
            "Confidence",
            "Mean probability of the assigned polarity.",
            "percentunit",
            Query(mean("starling_confidence_ratio")),
            limits=Limits(caution=0.7, bad=0.5),
        ),
        number(
            "Drift",
            "Difference between the labels of the last hour and of the last day, on the node with the largest "
            "difference: 0 is none, 100 % is complete.",
            "percentunit",
            Query(f"max({chosen('instance:starling_label_drift:ratio')})"),
            limits=_DRIFT,
        ),
        number(
            "Truncated",
            "Share of tweets with more tokens than the model's maximum.",
            "percentunit",
            Query(ratio("starling_tweets_truncated_total", "starling_tweet_tokens_count")),
            limits=_TRUNCATED,
        ),
        number(
            "Tokens per tweet",
            "Mean token count. The inference time grows with it.",
            "short",
            Query(mean("starling_tweet_tokens")),
        ),
        number(
            "Models refused",
            "New models of the last day that could not be used.",
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
            "Probability of the assigned polarity. The lowest line shows the tweets with the lowest confidence.",
            "percentunit",
            *quantiles("starling_confidence_ratio", of=[0.1, 0.5, 0.9]),
        ),
        histogram(
            "Confidence distribution",
            "Number of labels by their probability.",
            "percentunit",
            Query(growth("starling_confidence_ratio_bucket", "$__rate_interval", by="le"), "{{le}}"),
        ),
        polarities(
            graph(
                "Labels",
                "Share of each polarity over the last hour, mean of the selected nodes.",
                "percentunit",
                Query(f"avg by (polarity) ({shares})", "{{polarity}}"),
                stacked=True,
            )
        ),
        graph(
            "Drift",
            "Half the sum of the differences between the shares of the last hour and of the last day. Causes are "
            "changes of the topics, of the senders, or of the model.",
            "percentunit",
            Query(chosen("instance:starling_label_drift:ratio"), "{{instance}}"),
            limits=_DRIFT,
        ),
    ]


def _tokens() -> list[Panel]:
    return [
        graph(
            "Tokens per tweet",
            "Tokens after cleaning.",
            "short",
            *quantiles("starling_tweet_tokens"),
        ),
        graph(
            "Truncated",
            "Share of tweets with more tokens than the model's maximum. Only their beginning is classified.",
            "percentunit",
            Query(
                ratio("starling_tweets_truncated_total", "starling_tweet_tokens_count", by="instance"), "{{instance}}"
            ),
            limits=_TRUNCATED,
        ),
    ]


def _languages() -> list[Panel]:
    rejected = rate("starling_tweets_rejected_total", where='reason="other_language"')
    return [
        graph(
            "Languages",
            "Labels by language per second; other: languages that no model labels; unknown: the text tells none.",
            "short",
            Query(rate("starling_language_labels_total", by="language"), "{{language}}"),
            Query(rejected, "rejected"),
            stacked=True,
        ),
        graph(
            "Neutral labels by language",
            "Share of neutral labels. A much higher share than in other languages suggests that the model does not "
            "label this language.",
            "percentunit",
            Query(
                f"""{rate("starling_language_labels_total", by="language", where='polarity="neutral"')} / """
                f"""({rate("starling_language_labels_total", by="language")} > 0)""",
                "{{language}}",
            ),
        ),
    ]


def _comparison() -> list[Panel]:
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
            "Models by node",
            "Model and release of each node, and its labels per second.",
            {"Labels": (f"{labels} * on (instance) group_left (version) {releases}", PER_SECOND)},
        ),
        states(
            "Model",
            "Model in use on each node over time.",
            {1: "in use"},
            Query(models, "{{instance}} {{model}}"),
        ),
        graph(
            "Labels, by model",
            "Labels per second of each model.",
            PER_SECOND,
            Query(f"sum by (model) {labels}", "{{model}}"),
            stacked=True,
        ),
        graph(
            "Confidence, by model",
            "Median confidence of each model.",
            "percentunit",
            Query(f"histogram_quantile(0.5, sum by (model, le) {buckets})", "{{model}}"),
        ),
        polarities(
            graph(
                "Polarity, by model",
                "Share of each polarity over the last hour. Nodes of one group get similar tweets, so different "
                "shares mean different models.",
                "percentunit",
                Query(f"avg by (model, polarity) {shares}", "{{model}} {{polarity}}"),
            )
        ),
        graph(
            "Inference per tweet, by model",
            "Time in the interpreter per tweet.",
            "s",
            Query(f"sum by (model) {seconds} / sum by (model) {inferred}", "{{model}}"),
        ),
        graph(
            "Energy per tweet, by model",
            "Energy consumption per label, on nodes with a meter.",
            "joule",
            Query(f"avg by (model) {_by_model(f'sum by (instance) ({joules})')}", "{{model}}"),
        ),
        graph(
            "Model changes",
            "Requested changes of the model while the node ran, in the last hour.",
            "short",
            Query(growth("starling_model_swaps_total", "1h", by="result"), "{{result}}"),
        ),
    ]
