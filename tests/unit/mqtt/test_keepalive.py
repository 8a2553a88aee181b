"""The keepalive's decisions, with a clock that the test sets."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from stream.mqtt.encoding import PING_REQUEST
from stream.mqtt.keepalive import Keepalive

INTERVAL = 30.0


class Clock:
    """An event loop's clock and its one timer."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.due: float | None = None
        self._call: Callable[[], None] = lambda: None

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[[], None]) -> SimpleNamespace:
        return self.call_at(self.now + seconds, call)

    def call_at(self, due: float, call: Callable[[], None]) -> SimpleNamespace:
        self.due, self._call = due, call
        return SimpleNamespace(cancel=self._cancel)

    def run_until(self, end: float) -> None:
        while self.due is not None and self.due <= end:
            self.now, self.due = self.due, None
            self._call()
        self.now = end

    def fire_early(self) -> None:
        """Let the timer's time come early, as an event loop may by the resolution of its clock."""
        self.due = None
        self._call()

    def _cancel(self) -> None:
        self.due = None


class Stream:
    """The state of a connection that the keepalive reads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.paused = False
        self.received_at = self.sent_at = clock.now
        self.pings: list[float] = []

    def send(self, packet: bytes) -> None:
        assert packet == PING_REQUEST
        self.sent_at = self._clock.now
        self.pings.append(self._clock.now - 1000)


class Idle:
    """A keepalive that started at second 0."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.stream = Stream(self.clock)
        self.dead_at: list[float] = []
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: self.clock)
        stream: Any = self.stream
        self.keepalive = Keepalive(stream, INTERVAL, lambda: self.dead_at.append(self.clock.now - 1000))

    def until(self, second: float) -> None:
        self.clock.run_until(1000 + second)

    def receive(self) -> None:
        self.stream.received_at = self.clock.now

    def send(self) -> None:
        self.stream.sent_at = self.clock.now


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Idle:
    return Idle(monkeypatch)


def test_a_ping_is_sent_after_a_silent_interval_and_the_connection_ends_after_another(idle: Idle) -> None:
    idle.until(29.9)
    assert idle.stream.pings == []
    idle.until(59.9)
    assert (idle.stream.pings, idle.dead_at) == ([30], [])
    idle.until(200)
    assert (idle.stream.pings, idle.dead_at) == ([30], [60])


def test_an_answered_ping_is_followed_by_the_next_an_interval_later(idle: Idle) -> None:
    for second in (31, 61, 91):
        idle.until(second)
        idle.receive()
    assert (idle.stream.pings, idle.dead_at) == ([30, 60, 90], [])


def test_a_client_that_only_receives_sends_pings(idle: Idle) -> None:
    for second in range(1, 100):
        idle.until(second)
        idle.receive()
    assert idle.stream.pings == [30, 60, 90]


def test_a_client_that_only_sends_expects_answers_to_its_pings(idle: Idle) -> None:
    for second in range(1, 100):
        idle.until(second)
        idle.send()
    assert (idle.stream.pings, idle.dead_at) == ([30], [60])


def test_a_late_ping_answer_behind_other_packets_does_not_end_the_connection(idle: Idle) -> None:
    for second in range(1, 300, 7):  # messages, but no answer
        idle.until(second)
        idle.receive()
    assert idle.dead_at == []


def test_a_busy_connection_is_not_pinged(idle: Idle) -> None:
    for second in range(1, 200):
        idle.until(second)
        idle.receive()
        idle.send()
    assert idle.stream.pings == []


def test_while_reading_is_paused_missing_answers_do_not_end_the_connection(idle: Idle) -> None:
    idle.stream.paused = True
    idle.until(1000)
    assert len(idle.stream.pings) == 33
    assert idle.dead_at == []


def test_a_pause_after_a_ping_does_not_end_the_connection(idle: Idle) -> None:
    idle.until(31)
    idle.stream.paused = True
    idle.until(100)
    idle.stream.paused = False
    idle.receive()  # a resume counts as received data
    idle.until(129)
    assert idle.dead_at == []
    idle.until(200)
    assert idle.dead_at == [150]


def test_a_stopped_keepalive_sends_nothing(idle: Idle) -> None:
    idle.keepalive.stop()
    idle.until(1000)
    assert (idle.stream.pings, idle.dead_at) == ([], [])


def test_an_answer_at_the_time_of_the_ping_counts(idle: Idle) -> None:
    idle.until(30)
    idle.receive()
    idle.until(70)
    assert (idle.stream.pings, idle.dead_at) == ([30, 60], [])


def test_a_timer_that_is_early_does_not_shorten_the_time_for_an_answer(idle: Idle) -> None:
    idle.until(59.9)
    idle.clock.fire_early()
    assert idle.dead_at == []
    idle.until(70)
    assert (idle.stream.pings, idle.dead_at) == ([30], [60])


def test_a_ping_that_is_sent_while_reading_is_paused_needs_no_answer(idle: Idle) -> None:
    idle.stream.paused = True
    idle.until(31)
    idle.stream.paused = False
    idle.until(89)
    assert (idle.stream.pings, idle.dead_at) == ([30, 60], [])


def test_while_reading_is_paused_a_client_that_sends_need_not_ping(idle: Idle) -> None:
    idle.stream.paused = True
    for second in range(1, 100):
        idle.until(second)
        idle.send()
    assert idle.stream.pings == []
