from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.mqtt.backoff import reconnect_delays


@given(st.floats(0.01, 3600))
def test_delays_are_between_zero_and_the_longest(longest_seconds: float) -> None:
    assert all(0 <= delay <= longest_seconds for delay in islice(reconnect_delays(longest_seconds), 20))


def test_the_upper_limit_of_the_delays_doubles_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _, ceiling: ceiling)
    assert list(islice(reconnect_delays(5), 6)) == [0.5, 1, 2, 4, 5, 5]


def test_nodes_reconnect_after_different_delays() -> None:
    assert len({next(reconnect_delays(60)) for _ in range(10)}) == 10


def test_the_first_delay_is_at_most_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _, ceiling: ceiling)
    assert list(islice(reconnect_delays(0.2), 2)) == [0.2, 0.2]


def test_the_delays_never_end_and_never_overflow() -> None:
    assert next(islice(reconnect_delays(60), 5000, None)) <= 60
