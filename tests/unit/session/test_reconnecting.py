from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.mqtt.backoff import reconnect_delays


@given(st.floats(0.01, 3600))
def test_no_delay_is_longer_than_the_longest_or_less_than_none(longest_seconds: float) -> None:
    assert all(0 <= delay <= longest_seconds for delay in islice(reconnect_delays(longest_seconds), 20))


def test_the_ceiling_of_the_delays_doubles_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _, ceiling: ceiling)
    assert list(islice(reconnect_delays(5), 6)) == [0.5, 1, 2, 4, 5, 5]


def test_a_fleet_does_not_return_as_one() -> None:
    assert len({next(reconnect_delays(60)) for _ in range(10)}) == 10


def test_the_first_delay_keeps_to_a_longest_shorter_than_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _, ceiling: ceiling)
    assert list(islice(reconnect_delays(0.2), 2)) == [0.2, 0.2]


def test_the_delays_never_end_and_never_overflow() -> None:
    assert next(islice(reconnect_delays(60), 5000, None)) <= 60
