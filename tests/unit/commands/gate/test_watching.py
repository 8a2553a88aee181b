"""Readings of metrics, and the observation of a node by them."""

from math import inf

import pytest
from prometheus_client import generate_latest

from stream.commands.gate import watching
from stream.commands.gate.readings import Counts, Histogram, Reading, parse
from stream.commands.gate.watching import Observation, Past, Patience, Watch, between, observe, past_of, read_all
from stream.telemetry.metrics import Metrics


def reading(finished: float, *, in_progress: float = 0.0, started: float = 1.0, ready: bool = True) -> Reading:
    seconds = Histogram(sum=finished * 0.01, buckets={0.1: finished, inf: finished})
    return Reading(
        started=started, ready=ready, in_progress=in_progress, counts=Counts(received=finished, seconds=seconds)
    )


def watched(*readings: Reading | None) -> Watch:
    """Take a reading every ten seconds."""
    watch = Watch(0.0)
    for number, each in enumerate(readings):
        watch.take(each, 10.0 * number)
    return watch


def test_the_metrics_of_a_service_are_read() -> None:
    metrics = Metrics()
    metrics.ready.set(1)
    metrics.received.inc(3)
    metrics.rejected.labels("no_id").inc()
    metrics.classified.labels("negative").inc(2)
    metrics.confidence.observe(0.85)
    metrics.tweet_seconds.observe(0.004)

    found = parse(generate_latest(metrics.registry).decode())

    assert (found.ready, found.counts.received, found.counts.rejected, found.counts.labelled) == (True, 3, 1, 2)
    assert found.counts.labels["negative"] == 2
    assert found.counts.seconds.mean == pytest.approx(0.004)
    assert 0.8 < found.counts.confidence.quantile(0.5) < 0.9


def test_other_metrics_are_refused() -> None:
    with pytest.raises(ValueError, match="starling_ready is missing"):
        parse("# TYPE up gauge\nup 1\n")


def test_counts_are_those_since_the_first_reading() -> None:
    assert watched(reading(100), reading(130)).result().counts.seconds.count == 30


def test_a_replaced_process_is_a_restart() -> None:
    assert watched(reading(100), reading(3, started=2.0)).result().restarted


def test_the_longest_silence_is_reported() -> None:
    assert watched(reading(1), None, None, reading(2), None).result().silent_seconds == 20


def test_a_node_that_never_answers_is_silent_and_not_ready() -> None:
    seen = watched(None, None).result()

    assert (seen.silent_seconds, seen.ready) == (10, False)


def test_tweets_that_are_not_finished_are_stuck() -> None:
    assert watched(reading(1), *[reading(2, in_progress=3)] * 4).result().stuck_seconds == 30


def test_a_node_without_a_tweet_or_with_slow_ones_is_not_stuck() -> None:
    assert watched(*[reading(2)] * 4).result().stuck_seconds == 0
    assert watched(*[reading(count, in_progress=5) for count in range(4)]).result().stuck_seconds == 0


@pytest.mark.parametrize(
    ("seconds", "finished", "is_over"),
    [(50, 1000, False), (101, 60, True), (101, 59, False), (601, 0, True)],
    ids=["many tweets, too early", "enough", "too few tweets", "waited long enough"],
)
def test_an_observation_ends_with_time_and_tweets(seconds: float, finished: float, *, is_over: bool) -> None:
    assert Patience(100, 600, 60).is_over(seconds, finished) == is_over


async def test_a_broken_node_ends_the_observation_at_once() -> None:
    async def read() -> Reading:
        return reading(0)

    watch = await observe(read, Patience(1e6, 1e6, 1), lambda seen: isinstance(seen, Observation))

    assert watch.seconds < 1e6


def test_the_past_is_the_whole_past_if_too_few_tweets_were_observed() -> None:
    watch = watched(reading(1000), reading(1010))

    enough, too_few = past_of(watch, 10), past_of(watch, 11)

    assert enough
    assert too_few
    assert (enough.counts.received, too_few.counts.received) == (10, 1010)


def test_a_node_that_does_not_answer_has_no_past() -> None:
    assert past_of(watched(None), 1) is None


def test_a_peer_that_was_restarted_or_does_not_answer_is_left_out() -> None:
    first = {"a": reading(1), "b": reading(1), "c": reading(1)}
    last = {"a": reading(5), "b": reading(0, started=9.0)}

    assert between(first, last, 2.0) == {"a": Past(counts=last["a"].counts - first["a"].counts, seconds=2.0)}


def test_a_past_survives_the_file() -> None:
    past = Past(counts=reading(7).counts, seconds=3.0)

    assert Past.model_validate_json(past.model_dump_json()) == past


class BusyNode:
    """A node that refuses the first requests."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.requests = 0

    async def read(self) -> Reading | None:
        self.requests += 1
        return None if self.requests <= self.refusals else reading(1)


async def test_a_peer_that_is_busy_is_asked_again_and_one_that_never_answers_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "_RETRY_SECONDS", 0.0)
    busy, gone, quick = BusyNode(3), BusyNode(1000), BusyNode(0)

    found = await read_all({"busy": busy.read, "gone": gone.read, "quick": quick.read})

    assert list(found) == ["busy", "quick"]
    assert (busy.requests, gone.requests, quick.requests) == (4, 5, 1)
