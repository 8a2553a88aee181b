"""Energy per tweet, idle power, and detection of a current below zero."""

import logging
import math

import pytest

from stream.power.idle import IdlePower
from stream.power.per_tweet import EnergyPerTweet, Work
from stream.power.reading import Estimate, Reading
from stream.power.zero import ZeroWatch
from tests.power.examples import reading

IDLE_WATTS, BUSY_WATTS = 3.0, 5.0


def after_idle_then_work(tweets: int, *, busy_seconds: int = 10) -> EnergyPerTweet:
    """Add ten idle seconds, then seconds with evenly labelled tweets."""
    per_tweet = EnergyPerTweet(60)
    for _ in range(10):
        per_tweet.add(reading(IDLE_WATTS), Work())
    for second in range(1, busy_seconds + 1):
        done = tweets * second // busy_seconds
        per_tweet.add(reading(BUSY_WATTS), Work(received=done + 1, labelled=done, in_progress=1))
    return per_tweet


def test_total_energy_is_divided_by_the_tweets() -> None:
    joules = after_idle_then_work(40).joules()
    assert joules.tweets == 40
    assert joules.all_energy is not None
    assert joules.all_energy.value == pytest.approx((10 * IDLE_WATTS + 10 * BUSY_WATTS) / 40)


def test_energy_above_idle_is_divided_by_the_tweets() -> None:
    joules = after_idle_then_work(40).joules()
    assert joules.above_idle is not None
    assert joules.above_idle.value == pytest.approx(10 * (BUSY_WATTS - IDLE_WATTS) / 40)


def test_without_a_tweet_there_is_no_energy_per_tweet() -> None:
    per_tweet = EnergyPerTweet(60)
    per_tweet.add(reading(3.0), Work())
    assert per_tweet.joules().all_energy is None


def test_without_idle_time_energy_above_idle_is_unknown() -> None:
    per_tweet = EnergyPerTweet(60)
    for labelled in range(5):
        per_tweet.add(reading(5.0), Work(labelled + 1, labelled, 1))
    joules = per_tweet.joules()
    assert joules.all_energy is not None
    assert joules.above_idle is None


def test_tweets_labelled_before_the_first_reading_do_not_count() -> None:
    per_tweet = EnergyPerTweet(60)
    per_tweet.add(reading(5.0), Work(received=1000, labelled=1000))
    per_tweet.add(reading(5.0), Work(received=1002, labelled=1002))
    assert per_tweet.joules().tweets == 2


def test_tweets_labelled_in_a_gap_do_not_count() -> None:
    per_tweet = EnergyPerTweet(60)
    per_tweet.add(reading(5.0), Work(labelled=0))
    per_tweet.add(reading(5.0, gap_seconds=100.0), Work(labelled=500))
    per_tweet.add(reading(5.0), Work(labelled=502))
    assert per_tweet.joules().tweets == 2


def test_readings_older_than_the_window_are_dropped() -> None:
    per_tweet = EnergyPerTweet(10)
    for second in range(100):
        per_tweet.add(reading(5.0), Work(labelled=second))
    assert per_tweet.joules().tweets == 10


def test_a_zero_error_cancels_above_idle_and_a_gain_error_does_not() -> None:
    per_tweet = EnergyPerTweet(60)
    idle = Reading(1.0, Estimate(3.0, offset=0.5, scale=0.03))
    busy = Reading(1.0, Estimate(5.0, offset=0.5, scale=0.05))
    for _ in range(10):
        per_tweet.add(idle, Work())
    for labelled in range(10):
        per_tweet.add(busy, Work(labelled + 1, labelled + 1, 1))
    above = per_tweet.joules().above_idle
    assert above is not None
    assert above.value == pytest.approx(2.0)
    assert above.offset == 0.0
    assert above.scale == pytest.approx(0.02)


def idle_power(*stretches: tuple[float, int]) -> IdlePower:
    idle = IdlePower()
    for watts, seconds in stretches:
        for _ in range(seconds):
            idle.add(reading(watts), idle=True)
    return idle


def test_the_reading_after_work_is_not_idle() -> None:
    idle = IdlePower()
    idle.add(reading(5.0), idle=False)
    idle.add(reading(4.0), idle=True)
    for _ in range(5):
        idle.add(reading(3.0), idle=True)
    assert idle.watts is not None
    assert idle.watts.value == 3.0


def test_idle_power_follows_a_permanent_change() -> None:
    watts = idle_power((3.0, 60), (4.0, 600)).watts
    assert watts is not None
    assert watts.value == pytest.approx(4.0, abs=0.01)


def test_a_drift_of_idle_power_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        idle = idle_power((3.0, 100), (3.5, 300))
    assert idle.drift_watts == pytest.approx(0.5, abs=0.02)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "idle power has changed by" in caplog.text


def test_a_constant_idle_power_has_no_drift(caplog: pytest.LogCaptureFixture) -> None:
    assert idle_power((3.0, 500)).drift_watts == 0
    assert not caplog.records


def watched(amperes: float, seconds: int, offset: float = 0.01) -> ZeroWatch:
    watch = ZeroWatch()
    for _ in range(seconds):
        watch.add(Reading(1.0, Estimate(5 * amperes), amperes=Estimate(amperes, offset=offset)))
    return watch


def test_a_permanent_current_below_zero_is_detected(caplog: pytest.LogCaptureFixture) -> None:
    assert watched(-0.1, 20).below_zero
    assert "below zero" in caplog.text


@pytest.mark.parametrize(("amperes", "seconds"), [(-0.1, 5), (-0.02, 60), (0.5, 60)])
def test_a_short_or_small_current_below_zero_is_ignored(amperes: float, seconds: int) -> None:
    assert not watched(amperes, seconds).below_zero


def test_readings_without_a_current_are_ignored() -> None:
    watch = ZeroWatch()
    watch.add(reading(math.nan))
    assert not watch.below_zero
