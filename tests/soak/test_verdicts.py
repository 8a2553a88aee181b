"""The verdicts on the measurements of a soak test."""

import math
import random
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from tests.soak.samples import Sample
from tests.soak.slopes import Slope, slope
from tests.soak.soak import Soak
from tests.soak.verdicts import Finding, Verdict, below, findings

HOUR = range(3600)
SAMPLE = Sample(
    phase="steady",
    at_seconds=0,
    rate=100,
    published=1000,
    sent_again=3,
    labelled=970,
    rejected=30,
    repeated=0,
    waiting=0,
    latency_p50_seconds=0.01,
    latency_p99_seconds=0.05,
    cpu_seconds=1,
    restarts=0,
    rss_bytes=200_000_000,
    anonymous_bytes=150_000_000,
    threads=8,
    descriptors=11,
    tasks=13,
    in_progress=5,
    node_cpu_seconds=1,
    machine_cpu_seconds=1,
)


def judged(samples: list[Sample], **end: int) -> dict[str, Finding]:
    """Return the findings of a soak with two restarts and a window of 64, by the first two words of each."""
    last = replace(samples[-1], phase="end", **end)
    soak = SimpleNamespace(samples=[*samples, last], restarts=2, window=64)
    return {" ".join(finding.promise.split()[:2]): finding for finding in findings(cast("Soak", soak))}


def an_hour(**growing: float) -> list[Sample]:
    """Return samples of an hour, during which each named value grows by the given amount."""
    return [
        replace(
            SAMPLE,
            at_seconds=second,
            **{name: getattr(SAMPLE, name) + rise * second / 3600 for name, rise in growing.items()},
        )
        for second in HOUR
    ]


def test_an_hour_without_growth_keeps_all_promises() -> None:
    assert {finding.verdict for finding in judged(an_hour()).values()} == {Verdict.KEPT}


@pytest.mark.parametrize(
    ("rises", "promise"),
    [
        ({"rss_bytes": 2e6}, "resident memory:"),
        ({"anonymous_bytes": 2e6}, "anonymous memory:"),
        ({"descriptors": 5}, "file descriptors:"),
        ({"tasks": 5}, "tasks that"),
        ({"threads": 5}, "threads: less"),
        ({"latency_p50_seconds": 0.02}, "latency, median"),
        ({"latency_p99_seconds": 0.2}, "latency, 99th"),
    ],
)
def test_growth_breaks_only_its_own_promise(rises: dict[str, float], promise: str) -> None:
    broken = [name for name, finding in judged(an_hour(**rises)).items() if finding.verdict is Verdict.BROKEN]
    assert broken == [promise]


def test_one_lost_tweet_breaks_the_first_promise() -> None:
    assert judged(an_hour(), waiting=1)["no tweet"].verdict is Verdict.BROKEN


def test_duplicates_are_limited_to_tweets_in_flight_and_sent_again() -> None:
    assert judged(an_hour(), repeated=2 * 64 + 3)["at most"].verdict is Verdict.KEPT
    assert judged(an_hour(), repeated=2 * 64 + 4)["at most"].verdict is Verdict.BROKEN


def test_a_short_soak_makes_no_statement_about_growth() -> None:
    findings_of_a_minute = judged(an_hour(rss_bytes=2e9, latency_p50_seconds=100)[:60])
    assert findings_of_a_minute["resident memory:"].verdict is Verdict.UNDECIDED
    assert findings_of_a_minute["latency, median"].verdict is Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("rise", "error", "verdict"),
    [(1, 1, Verdict.KEPT), (9, 1, Verdict.UNDECIDED), (11, 1, Verdict.UNDECIDED), (13, 1, Verdict.BROKEN)],
)
def test_a_slope_near_its_limit_is_undecided(rise: float, error: float, verdict: Verdict) -> None:
    assert below(Slope(rise, error), 10) is verdict


def test_a_straight_line_has_no_standard_error() -> None:
    found = slope(HOUR, [5 + 3 * second / 3600 for second in HOUR])
    assert found.per_hour == pytest.approx(3)
    assert found.standard_error == pytest.approx(0, abs=1e-9)


def test_the_standard_error_covers_the_true_slope() -> None:
    dice = random.Random(1)
    errors = []
    for _ in range(300):
        found = slope(HOUR, [2 * second / 3600 + dice.gauss(0, 1) for second in HOUR])
        errors.append((found.per_hour - 2) / found.standard_error)
    assert math.sqrt(sum(error**2 for error in errors) / len(errors)) == pytest.approx(1, abs=0.2)
