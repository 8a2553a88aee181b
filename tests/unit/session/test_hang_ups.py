"""The search for a message for which the broker closes the connection."""

import pytest

from stream.session.hang_ups import HangUps, Key

BAD: Key = ("label", b"bad")


def suspicious() -> HangUps:
    """Return hang-ups after two losses with several results in flight."""
    hang_ups = HangUps(calm_seconds=60)
    for _ in range(2):
        hang_ups.connected()
        hang_ups.lost()
    return hang_ups


def lose(hang_ups: HangUps, key: Key) -> bool:
    hang_ups.connected()
    return hang_ups.lost(key)


def test_after_two_losses_in_quick_succession_results_are_published_one_at_a_time() -> None:
    hang_ups = HangUps(calm_seconds=60)
    hang_ups.connected()
    assert not hang_ups.lost()
    assert not hang_ups.one_at_a_time
    hang_ups.connected()
    assert not hang_ups.lost()
    assert hang_ups.one_at_a_time


def test_a_loss_with_many_results_in_flight_counts_once() -> None:
    hang_ups = HangUps(calm_seconds=60)
    hang_ups.connected()
    for _ in range(64):
        hang_ups.lost()
    assert not hang_ups.one_at_a_time


def test_losses_far_apart_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    hang_ups = HangUps(calm_seconds=60)
    for _ in range(5):
        hang_ups.connected()
        now += 61
        hang_ups.lost()
    assert not hang_ups.one_at_a_time


def test_a_result_that_was_alone_in_flight_at_three_losses_is_the_cause() -> None:
    hang_ups = suspicious()
    assert [lose(hang_ups, BAD) for _ in range(3)] == [False, False, True]


def test_a_loss_after_a_refusal_does_not_count() -> None:
    hang_ups = HangUps(calm_seconds=60)
    for _ in range(5):
        hang_ups.connected()
        hang_ups.explain()
        hang_ups.lost()
    assert not hang_ups.one_at_a_time


def test_results_that_were_in_flight_at_different_losses_are_not_the_cause() -> None:
    hang_ups = suspicious()
    assert not any(lose(hang_ups, ("label", bytes([number % 2]))) for number in range(20))


def test_after_many_confirmed_results_they_are_published_together_again() -> None:
    hang_ups = suspicious()
    for _ in range(255):
        hang_ups.confirmed()
    assert hang_ups.one_at_a_time
    hang_ups.confirmed()
    assert not hang_ups.one_at_a_time


def test_after_results_are_published_together_again_two_losses_are_needed_anew() -> None:
    hang_ups = suspicious()
    for _ in range(256):
        hang_ups.confirmed()
    hang_ups.connected()
    hang_ups.lost()
    assert not hang_ups.one_at_a_time
    hang_ups.connected()
    hang_ups.lost()
    assert hang_ups.one_at_a_time


def test_a_loss_ends_the_count_of_confirmed_results() -> None:
    hang_ups = suspicious()
    for _ in range(255):
        hang_ups.confirmed()
    lose(hang_ups, BAD)
    hang_ups.confirmed()
    assert hang_ups.one_at_a_time


@pytest.mark.parametrize(("seconds", "together"), [(60, True), (60.1, False)])
def test_only_a_longer_connection_counts_as_calm(
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    together: bool,  # noqa: FBT001
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    hang_ups = HangUps(calm_seconds=60)
    for _ in range(2):
        hang_ups.connected()
        now += seconds
        hang_ups.lost()
    assert hang_ups.one_at_a_time is together


def test_before_the_first_connection_no_loss_counts() -> None:
    hang_ups = HangUps(calm_seconds=60)
    assert not any(hang_ups.lost(BAD) for _ in range(9))
    lose(hang_ups, BAD)
    assert not hang_ups.one_at_a_time


def test_another_loss_of_the_same_connection_is_not_the_third() -> None:
    hang_ups = suspicious()
    assert not any(lose(hang_ups, BAD) for _ in range(2))
    assert not hang_ups.lost(BAD)
