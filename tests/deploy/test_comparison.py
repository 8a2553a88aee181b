"""Comparison of a node before and after a switch."""

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


def test_statistics_cover_the_time_between_two_readings() -> None:
    found = metrics.statistics(exposed(1000, 100, 50.0, 900), exposed(1200, 110, 54.0, 1100))

    assert found == {
        "received": 200,
        "finished": 200,
        "rejected_ratio": 0.05,
        "latency_seconds": pytest.approx(0.02),
        "restarted": 0,
    }


def test_statistics_of_a_restarted_service_begin_at_zero() -> None:
    found = metrics.statistics(exposed(1000, 100, 50.0, 900), exposed(10, 1, 0.1, 9, started=2000.0))

    assert (found["received"], found["restarted"]) == (10, 1)


def test_a_node_without_tweets_has_statistics() -> None:
    found = metrics.statistics(exposed(5, 0, 0.1, 5), exposed(5, 0, 0.1, 5))

    assert (found["rejected_ratio"], found["latency_seconds"]) == (0, 0)


def test_a_node_that_labels_as_before_has_no_regression() -> None:
    assert metrics.regressions(BEFORE, BEFORE, **LIMITS) == []


@pytest.mark.parametrize(
    ("changed", "regression"),
    [
        ({"latency_seconds": 0.2}, "a tweet takes 200.0 ms, before it took 50.0 ms, and the limit is 120.0 ms"),
        ({"rejected_ratio": 0.5}, "50.0% of the messages are rejected, before it was 5.0%"),
        ({"restarted": 1.0}, "the service was restarted while it was observed"),
    ],
)
def test_a_regression_is_described(changed: dict[str, float], regression: str) -> None:
    assert metrics.regressions(BEFORE, BEFORE | changed, **LIMITS) == [regression]


def test_a_few_milliseconds_more_are_not_a_regression() -> None:
    quick = BEFORE | {"latency_seconds": 0.002}

    assert metrics.regressions(quick, quick | {"latency_seconds": 0.015}, **LIMITS) == []


@pytest.mark.parametrize("before", [{}, BEFORE | {"finished": 29.0}])
def test_a_node_with_too_few_tweets_before_is_not_compared(before: dict[str, float]) -> None:
    assert metrics.regressions(before, BEFORE | {"latency_seconds": 9.0}, **LIMITS) == []


def test_the_summary_of_a_new_node_has_no_earlier_statistics() -> None:
    assert metrics.summary({}, BEFORE) == "100 tweets, 50.0 ms each, 5.0% rejected"
