"""The status that the node's page shows, with a clock that the test sets."""

import json

import pytest

from stream import __version__
from stream.settings import Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.web.page.history import INTERVAL_SECONDS, INTERVALS, History
from stream.web.page.status import NodeStatus


class Bench:
    """A node's counters and the status that is made of them."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.metrics = Metrics()
        self.health = Health(60)
        self.status = NodeStatus(Settings(node="pi-1"), self.metrics, self.health)
        self.history = self.status.history = History(self.metrics, lambda: self.seconds)

    def pass_time(self, intervals: int, positive: int = 0) -> None:
        """Let whole intervals pass, with this number of labels in each."""
        for _ in range(intervals):
            self.seconds += INTERVAL_SECONDS
            self.metrics.received.inc(positive)
            self.metrics.classified.labels("positive").inc(positive)
            self.history.add_snapshot()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_values_are_none_before_the_first_tweet(bench: Bench) -> None:
    numbers = bench.status.as_json()
    assert numbers["tweets"]["received_per_second"] is None
    assert numbers["latency_seconds"] == {"p50": None, "p99": None}
    assert numbers["model"] is None
    assert numbers["power"] is None
    assert numbers["polarity"]["counts"] == [[0, 0, 0]]


def test_the_status_has_name_version_and_reasons_for_not_being_ready(bench: Bench) -> None:
    bench.health.model_loaded = True
    numbers = bench.status.as_json()
    assert (numbers["node"], numbers["version"]) == ("pi-1", __version__)
    assert (numbers["ready"], numbers["missing"]) == (False, ["the broker is not connected"])
    bench.health.broker_connected = True
    assert (bench.status.as_json()["ready"], bench.status.as_json()["missing"]) == (True, [])


def test_the_rate_is_that_of_the_last_seconds(bench: Bench) -> None:
    bench.pass_time(30, positive=1000)
    bench.pass_time(2, positive=50)
    assert bench.status.as_json()["tweets"]["received_per_second"] == pytest.approx(5)


def test_latencies_are_those_of_the_last_minute(bench: Bench) -> None:
    for _ in range(100):
        bench.metrics.tweet_seconds.observe(20)
    bench.pass_time(7)
    for _ in range(100):
        bench.metrics.tweet_seconds.observe(0.009)
    latency = bench.status.as_json()["latency_seconds"]
    assert latency["p50"] == pytest.approx(0.0075)
    assert latency["p99"] < 0.01


def test_each_interval_has_its_labels_and_the_present_one_is_last(bench: Bench) -> None:
    bench.pass_time(1, positive=3)
    bench.pass_time(1)
    bench.metrics.classified.labels("negative").inc(2)
    assert bench.status.as_json()["polarity"] == {
        "labels": ("negative", "neutral", "positive"),
        "interval_seconds": INTERVAL_SECONDS,
        "counts": [[0, 0, 3], [0, 0, 0], [2, 0, 0]],
    }


def test_the_history_is_limited_to_the_intervals_shown(bench: Bench) -> None:
    bench.pass_time(10 * INTERVALS, positive=1)
    assert bench.status.as_json()["polarity"]["counts"] == [[0, 0, 1]] * INTERVALS + [[0, 0, 0]]


def test_the_status_has_tweets_in_progress_and_their_limit(bench: Bench) -> None:
    bench.metrics.in_progress.set(3)
    bench.metrics.waiting.set(2)
    tweets = bench.status.as_json()["tweets"]
    assert (tweets["in_progress"], tweets["at_most"], tweets["waiting"]) == (3, 64, 2)


def test_the_status_is_json(bench: Bench) -> None:
    bench.pass_time(3, positive=1)
    assert json.loads(json.dumps(bench.status.as_json(), allow_nan=False))["node"] == "pi-1"
