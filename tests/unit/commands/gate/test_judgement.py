"""The gate's judgement: releases that it stops, and releases that pass."""

import random
from dataclasses import replace
from math import inf

import pytest

from stream.commands.gate.judgement import Limits, Peer, complaints
from stream.commands.gate.readings import Counts, Histogram
from stream.commands.gate.watching import Observation, Past
from stream.telemetry.metrics import Metrics

LIMITS = Limits()
SHARES = {"negative": 0.3, "neutral": 0.45, "positive": 0.25}


def histogram(values: list[float], buckets: tuple[float, ...]) -> Histogram:
    limits = (*buckets, inf)
    return Histogram(sum=sum(values), buckets={limit: float(sum(v <= limit for v in values)) for limit in limits})


def counted(
    tweets: int,
    *,
    rejected: float = 0.05,
    shares: dict[str, float] = SHARES,
    confidence: float = 0.8,
    milliseconds: float = 5.0,
    stalled: int = 0,
) -> Counts:
    """Counts of a node that has received this number of messages."""
    refused = round(rejected * tweets)
    labelled = tweets - refused
    times = [milliseconds / 1000] * (labelled - stalled) + [3.0] * stalled
    confidences = [min(1.0, max(0.34, confidence + 0.15 * (i % 3 - 1))) for i in range(labelled)]
    return Counts(
        received=tweets,
        rejected=refused,
        labels={polarity: round(share * labelled) for polarity, share in shares.items()},
        confidence=histogram(confidences, (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)),
        seconds=histogram(times, (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)),
    )


def past(counts: Counts, seconds: float = 100.0) -> Past:
    return Past(counts=counts, seconds=seconds)


def seen(counts: Counts, seconds: float = 100.0) -> Observation:
    return Observation(counts=counts, seconds=seconds)


PAST = past(counted(1000))
PEERS = [Peer(past(counted(1000)), past(counted(100))) for _ in range(3)]
ALL_NEGATIVE = {"negative": 1.0, "neutral": 0.0, "positive": 0.0}


def test_a_release_that_labels_as_before_passes() -> None:
    assert complaints(PAST, seen(counted(100)), PEERS, LIMITS) == []


@pytest.mark.parametrize("tweets", [29, 60, 1000])
@pytest.mark.parametrize("peers", [[], PEERS], ids=["alone", "with peers"])
def test_a_release_that_calls_everything_negative_is_stopped(tweets: int, peers: list[Peer]) -> None:
    found = complaints(PAST, seen(counted(tweets, shares=ALL_NEGATIVE)), peers, LIMITS)

    assert any(each.startswith("100.0% of the labels are negative, in comparison 30.0%") for each in found)


@pytest.mark.parametrize("peers", [[], PEERS], ids=["alone", "with peers"])
def test_a_release_that_rejects_97_percent_of_29_tweets_is_stopped(peers: list[Peer]) -> None:
    found = complaints(PAST, seen(counted(29, rejected=0.97), seconds=600), peers, LIMITS)

    assert any(each.startswith("96.6% of the messages are rejected, in comparison 5.0%") for each in found)


@pytest.mark.parametrize("peers", [[], PEERS], ids=["alone", "with peers"])
def test_a_release_that_takes_six_times_as_long_is_stopped_however_short_that_is(peers: list[Peer]) -> None:
    found = complaints(PAST, seen(counted(60, milliseconds=29.9)), peers, LIMITS)

    assert found == ["a tweet takes 29.9 ms, in comparison 5.0 ms; the limit is 15.0 ms"]


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({"restarted": True}, "the service was restarted while it was observed"),
        ({"stuck_seconds": 31.0}, "tweets are in progress and none was finished for 31 s"),
        ({"silent_seconds": 40.0}, "the service has not answered for 40 s"),
        ({"ready": False}, "the service is not ready at the end of the observation"),
    ],
    ids=["restarts", "wedges", "is silent", "is not ready"],
)
def test_a_release_with_a_fault_of_the_service_is_stopped_without_a_comparison(
    fault: dict[str, object], complaint: str
) -> None:
    assert complaints(None, replace(seen(Counts()), **fault), [], LIMITS) == [complaint]  # type: ignore[arg-type]


def test_a_release_that_receives_nothing_is_stopped_if_its_peers_receive_tweets() -> None:
    assert complaints(PAST, seen(Counts()), PEERS, LIMITS) == ["it received no tweet, its peers 100 each"]


def test_a_release_that_receives_nothing_is_stopped_if_it_received_tweets_before() -> None:
    found = complaints(PAST, seen(Counts()), [], LIMITS)

    assert found == ["it received no tweet in a time in which it received 1000 before"]


def test_a_release_passes_if_the_feed_has_ended_for_its_peers_too() -> None:
    quiet = [Peer(peer.before, past(Counts())) for peer in PEERS]

    assert complaints(PAST, seen(Counts()), quiet, LIMITS) == []


def test_a_release_that_stalls_a_fifth_of_the_tweets_is_stopped() -> None:
    found = complaints(PAST, seen(counted(200, stalled=40)), PEERS, LIMITS)

    assert found == ["21.1% of the tweets take more than 1 s, in comparison 0.0% and 0.0%"]


def test_a_release_with_a_lower_confidence_is_stopped() -> None:
    found = complaints(PAST, seen(counted(100, confidence=0.5)), PEERS, LIMITS)

    assert found == ["the mean confidence is 0.50, in comparison 0.80 and 0.80"]


def test_a_release_that_never_gives_one_polarity_is_stopped() -> None:
    shares = {"negative": 0.4, "neutral": 0.0, "positive": 0.6}

    found = complaints(PAST, seen(counted(100, shares=shares)), PEERS, LIMITS)

    assert any(each.startswith("0.0% of the labels are neutral") for each in found)


def test_a_change_of_the_feed_that_the_peers_see_too_is_no_complaint() -> None:
    changed = counted(100, rejected=0.5, shares=ALL_NEGATIVE, milliseconds=40)
    peers = [Peer(peer.before, past(changed)) for peer in PEERS]

    assert complaints(PAST, seen(changed), peers, LIMITS) == []


def test_a_node_whose_past_differs_from_its_peers_passes_if_it_stays_as_it_was() -> None:
    own = counted(1000, shares={"negative": 0.7, "neutral": 0.2, "positive": 0.1}, milliseconds=80)
    now = counted(100, shares={"negative": 0.7, "neutral": 0.2, "positive": 0.1}, milliseconds=80)

    assert complaints(past(own), seen(now), PEERS, LIMITS) == []


def test_a_new_node_is_compared_with_its_peers() -> None:
    found = complaints(None, seen(counted(60, shares=ALL_NEGATIVE, milliseconds=400)), PEERS, LIMITS)

    assert len([each for each in found if "negative" in each]) == 1
    assert len([each for each in found if "a tweet takes" in each]) == 1


def test_a_first_node_without_past_and_peers_passes_if_it_works() -> None:
    assert complaints(None, seen(counted(60)), [], LIMITS) == []


def test_a_few_tweets_convict_no_release() -> None:
    assert complaints(PAST, seen(counted(4, rejected=0.5, shares=ALL_NEGATIVE)), PEERS, LIMITS) == []


def test_good_releases_pass_whatever_tweets_arrive_by_chance() -> None:
    generator = random.Random(1)
    stopped = [found for _ in range(300) if (found := complaints(PAST, seen(_drawn(generator)), PEERS, LIMITS))]

    assert stopped == []


def _drawn(generator: random.Random) -> Counts:
    """Counts of a good release of which chance has chosen the tweets."""
    drawn = generator.choices(list(SHARES), list(SHARES.values()), k=60)
    shares = {polarity: drawn.count(polarity) / 60 for polarity in SHARES}
    return counted(60, rejected=generator.uniform(0.0, 0.1), shares=shares, milliseconds=generator.uniform(3, 8))


def test_the_limit_of_slow_tweets_is_a_bucket_of_the_service() -> None:
    assert 'le="1.0"' in _exposed(Metrics())


def _exposed(metrics: Metrics) -> str:
    from prometheus_client import generate_latest  # noqa: PLC0415

    return generate_latest(metrics.registry).decode()
