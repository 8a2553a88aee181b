"""Handling of a result that the broker refuses, by its reason code."""

import asyncio
import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.packets import Message
from stream.session import results as results_module
from stream.session.envelope import Envelope
from stream.session.refusals import Kind, Refusals, Result
from stream.session.results import Results, refusal_detail, without
from stream.settings import Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from tests.unit.waiting import until

ENVELOPE = Envelope(Settings())
SOURCE = Message("tweets/in", b'{"id":"1","text":"a"}')
LABEL = Result(Kind.LABEL, "tweets/polarity", b"{}", SOURCE)


class Outlet:
    """A connection with the given answers: a reason code, 0 for success or None for a loss; the last one repeats."""

    def __init__(self, *answers: int | None) -> None:
        self._answers = itertools.chain(answers, itertools.repeat(answers[-1]))
        self.published = 0
        self.connected = True

    async def publish_confirmed(self, topic: str, payload: bytes, **_: Any) -> None:
        self.published += 1
        code = next(self._answers)
        if code is None:
            raise BrokerError("the connection is lost")
        if code:
            raise PublicationRefusedError(f"no message to {topic}, {len(payload)} bytes", reason_code=code)


class Node:
    """Results of a node whose broker gives the given answers."""

    def __init__(self, *answers: int | None) -> None:
        self.outlet = Outlet(*answers)
        self.health = Health(60)
        self.metrics = Metrics()
        self.refusals = Refusals(self.metrics, self.health, 60)
        self.answered = 0

    async def publish(self, result: Result = LABEL) -> PublicationRefusedError | None:
        outlet: Any = self.outlet
        return await Results(outlet, self.refusals, nullcontext, ENVELOPE).publish(result, self._answered)

    def _answered(self) -> None:
        self.answered += 1
        self.obstacles = list(self.health.obstacles.values())


@pytest.fixture(autouse=True)
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_module, "reconnect_delays", lambda _: itertools.repeat(0.0))


async def test_an_accepted_result_is_published_once() -> None:
    node = Node(0)
    assert await node.publish() is None
    assert node.outlet.published == 1


@pytest.mark.parametrize("code", [0x89, 0x96, 0x97])
async def test_a_temporarily_refused_result_is_held_and_published_again(code: int) -> None:
    node = Node(*[code] * 20, 0)
    assert await node.publish() is None
    assert (node.outlet.published, node.answered) == (21, 20)
    assert "the broker accepts no results for now" in node.obstacles[0]
    assert node.health.obstacles == {}


@pytest.mark.parametrize("code", [0x80, 0x83])
async def test_a_result_refused_with_an_ambiguous_code_is_published_three_times(code: int) -> None:
    node = Node(code)
    refused = await node.publish()
    assert refused
    assert (refused.reason_code, node.outlet.published) == (code, 3)
    assert node.health.obstacles == {}


@pytest.mark.parametrize("code", [0x95, 0x99, 0x9E, 0xC3, 0xFF])
async def test_a_permanent_refusal_is_returned_at_once(code: int) -> None:
    node = Node(code)
    refused = await node.publish()
    assert refused
    assert (refused.reason_code, node.outlet.published) == (code, 1)


@pytest.mark.parametrize("code", [0x87, 0x90])
async def test_a_refused_topic_ends_the_session(code: int) -> None:
    with pytest.raises(BrokerError, match="no message to tweets/polarity"):
        await Node(code).publish()


async def test_a_cancelled_held_result_leaves_no_obstacle() -> None:
    node = Node(0x97)
    publishing = asyncio.ensure_future(node.publish())
    await until(lambda: node.answered)
    publishing.cancel()
    await asyncio.wait([publishing])
    assert node.health.obstacles == {}


async def test_refusals_of_one_kind_are_all_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    node = Node(0x95)
    for _ in range(10):
        node.refusals.count(Kind.LABEL, PublicationRefusedError("too large", reason_code=0x95))
    node.refusals.count(Kind.REJECTION, PublicationRefusedError("too large", reason_code=0x95))
    count = node.metrics.registry.get_sample_value
    assert count("starling_results_refused_total", {"result": "label"}) == 10
    assert count("starling_results_refused_total", {"result": "rejection"}) == 1
    assert len(caplog.records) == 2


async def test_a_result_that_always_makes_the_broker_disconnect_is_refused() -> None:
    node = Node(None)
    losses = 0
    while True:
        node.refusals.hang_ups.connected()
        try:
            refused = await node.publish()
        except BrokerError:
            losses += 1
        else:
            break
    assert refused
    assert losses == 5
    another = Result(Kind.LABEL, "tweets/polarity", b"{}", Message("tweets/in", b"another"))
    node.outlet = Outlet(0)
    assert await node.publish(another) is None


async def test_results_published_one_at_a_time_are_never_in_flight_together() -> None:
    node = Node(0)
    for _ in range(2):
        node.refusals.hang_ups.connected()
        node.refusals.hang_ups.lost()
    in_flight = most = 0

    async def publish(*_: Any, **__: Any) -> None:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await asyncio.sleep(0)
        in_flight -= 1

    node.outlet.publish_confirmed = publish  # type: ignore[method-assign]
    outlet: Any = node.outlet
    results = Results(outlet, node.refusals, nullcontext, ENVELOPE)
    await asyncio.gather(*(results.publish(LABEL, lambda: None) for _ in range(5)))
    assert most == 1


async def test_a_refused_result_is_not_published_again_in_the_next_session() -> None:
    node = Node(0x99, 0)
    first = await node.publish()
    again = await node.publish()
    assert first
    assert again
    assert (again.reason_code, node.outlet.published) == (0x99, 1)
    other = Result(Kind.LABEL, "tweets/polarity", b"{}", Message("tweets/in", b"another"))
    assert await node.publish(other) is None


async def test_a_result_of_at_least_a_refused_size_is_not_published() -> None:
    node = Node(0x95, 0)
    await node.publish(LABEL._replace(payload=b"x" * 300))
    for number, (size, published) in enumerate([(300, False), (301, False), (299, True)]):
        result = LABEL._replace(payload=b"x" * size, source=Message("tweets/in", b"%d" % number))
        assert (await node.publish(result) is None) is published


async def test_refusals_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Node(0x95, 0)
    await node.publish()
    monkeypatch.setattr("time.monotonic", lambda: float("inf"))
    assert await node.publish() is None


@pytest.mark.parametrize(
    ("label", "short"), [(b'{"id":"1"}', None), (b'{"id":"1","text":"a"}', b'{"id":"1"}'), (b'{"text":""}', b"{}")]
)
def test_a_field_is_removed_from_a_message(label: bytes, short: bytes | None) -> None:
    assert without("text", label) == short


def alone(node: Node) -> None:
    """Let results be published one at a time, in a new connection."""
    for _ in range(2):
        node.refusals.hang_ups.connected()
        node.refusals.hang_ups.lost()
    node.refusals.hang_ups.connected()


async def test_a_result_that_is_refused_while_published_alone_is_remembered() -> None:
    node = Node(0x99, 0)
    alone(node)
    refused = await node.publish()
    assert refused
    assert refused.reason_code == 0x99
    assert node.refusals.find(LABEL) is refused
    assert not node.refusals.hang_ups.lost()  # the refusal explains it


async def test_a_result_on_which_the_broker_hangs_up_has_a_refusal_that_says_so() -> None:
    node = Node(None)
    alone(node)
    for _ in range(3):
        node.refusals.hang_ups.connected()
        with pytest.raises(BrokerError):
            await node.publish()
    refused = node.refusals.find(LABEL)
    assert refused
    assert str(refused) == "the broker closes the connection each time that it gets this message"
    assert refusal_detail(refused) == "the broker closes the connection on the label"


async def test_a_result_that_was_not_sent_is_not_blamed_for_a_loss() -> None:
    node = Node(None)
    alone(node)
    node.outlet.connected = False
    for _ in range(9):
        node.refusals.hang_ups.connected()
        with pytest.raises(BrokerError):
            await node.publish()
    assert node.refusals.find(LABEL) is None


async def test_losses_while_results_are_published_together_are_counted() -> None:
    node = Node(None)
    for _ in range(2):
        node.refusals.hang_ups.connected()
        with pytest.raises(BrokerError):
            await node.publish()
    assert node.refusals.hang_ups.one_at_a_time


async def test_results_published_alone_end_that_after_256_confirmations() -> None:
    node = Node(0)
    alone(node)
    for _ in range(256):
        assert node.refusals.hang_ups.one_at_a_time
        assert await node.publish() is None
    assert not node.refusals.hang_ups.one_at_a_time


def test_the_brokers_reason_is_the_detail_of_a_rejection() -> None:
    error = PublicationRefusedError("a sentence", reason_code=0x95)
    assert refusal_detail(error) == "the broker refused the label (Packet too large, code 149)"


@pytest.mark.parametrize(("kind", "timed"), [(Kind.LABEL, 1), (Kind.REJECTION, 1), (Kind.REPLY, 0)])
async def test_only_replies_have_correlation_data_and_are_not_timed(kind: Kind, timed: int) -> None:
    node, measured, published = Node(0), list[None](), list[tuple[Any, ...]]()

    @contextmanager
    def measure() -> Iterator[None]:
        measured.append(None)
        yield

    async def publish(topic: str, payload: bytes, *, correlation_data: bytes | None = None, **_: Any) -> None:
        published.append((topic, payload, correlation_data))

    node.outlet.publish_confirmed = publish  # type: ignore[method-assign]
    outlet: Any = node.outlet
    result = LABEL._replace(kind=kind, source=SOURCE._replace(correlation_data=b"7"))
    assert await Results(outlet, node.refusals, measure, ENVELOPE).publish_once(result) is None
    assert published == [("tweets/polarity", b"{}", b"7" if kind is Kind.REPLY else None)]
    assert len(measured) == timed


async def test_delays_of_held_results_grow_to_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    longest: list[float] = []

    def delays(seconds: float) -> Iterator[float]:
        longest.append(seconds)
        return itertools.repeat(0.0)

    monkeypatch.setattr(results_module, "reconnect_delays", delays)
    node = Node(0x97, 0)
    assert await node.publish() is None
    assert longest == [10]
