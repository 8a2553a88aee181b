"""Whether a node labels worse after a switch than before it."""

import pytest

from tests.deploy.roles import plugin

metrics = plugin("starling/filter_plugins/starling_metrics.py")
LIMITS = {"fewest_tweets": 30, "most_latency_ratio": 2.0, "most_rejected_rise": 0.05}
BEFORE = {"received": 100.0, "finished": 100.0, "rejected_ratio": 0.05, "latency_seconds": 0.05, "restarted": 0.0}


def exposed(received: int, rejected: int, seconds: float, finished: int, started: float = 1000.0) -> str:
    return f"""# TYPE starling_tweets_received counter
starling_tweets_received_total {received}
# TYPE starling_tweets_rejected counter
starling_tweets_rejected_total{{reason="no_id"}} {rejected}
starling_tweets_rejected_total{{reason="not_json"}} 0
# TYPE starling_tweet_seconds histogram
starling_tweet_seconds_bucket{{le="+Inf"}} {finished}
starling_tweet_seconds_sum {seconds}
starling_tweet_seconds_count {finished}
# TYPE process_start_time_seconds gauge
process_start_time_seconds {started}
"""


def test_figures_are_what_happened_between_two_looks() -> None:
    figures = metrics.figures(exposed(1000, 100, 50.0, 900), exposed(1200, 110, 54.0, 1100))

    assert figures == {
        "received": 200,
        "finished": 200,
        "rejected_ratio": 0.05,
        "latency_seconds": pytest.approx(0.02),
        "restarted": 0,
    }


def test_figures_of_a_service_that_was_started_anew_begin_at_nothing() -> None:
    figures = metrics.figures(exposed(1000, 100, 50.0, 900), exposed(10, 1, 0.1, 9, started=2000.0))

    assert (figures["received"], figures["restarted"]) == (10, 1)


def test_a_quiet_node_has_figures_too() -> None:
    figures = metrics.figures(exposed(5, 0, 0.1, 5), exposed(5, 0, 0.1, 5))

    assert (figures["rejected_ratio"], figures["latency_seconds"]) == (0, 0)


def test_a_node_that_labels_as_before_gives_no_reason_to_complain() -> None:
    assert metrics.complaints(BEFORE, BEFORE, **LIMITS) == []


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"latency_seconds": 0.2}, "a tweet takes 200.0 ms where it took 50.0 ms, and may take 120.0 ms"),
        ({"rejected_ratio": 0.5}, "50.0% of the messages are rejected where it was 5.0%"),
        ({"restarted": 1.0}, "the service did not stay up while it was watched"),
    ],
)
def test_a_node_that_labels_worse_is_told_what_is_worse(changed: dict[str, float], complaint: str) -> None:
    assert metrics.complaints(BEFORE, BEFORE | changed, **LIMITS) == [complaint]


def test_a_few_milliseconds_more_are_no_reason_to_complain() -> None:
    quick = BEFORE | {"latency_seconds": 0.002}

    assert metrics.complaints(quick, quick | {"latency_seconds": 0.015}, **LIMITS) == []


@pytest.mark.parametrize("before", [{}, BEFORE | {"finished": 29.0}])
def test_a_node_that_saw_too_little_before_is_not_compared(before: dict[str, float]) -> None:
    assert metrics.complaints(before, BEFORE | {"latency_seconds": 9.0}, **LIMITS) == []


def test_a_node_that_was_bare_is_told_of_without_a_before() -> None:
    assert metrics.account({}, BEFORE) == "100 tweets, 50.0 ms each, 5.0% rejected"
