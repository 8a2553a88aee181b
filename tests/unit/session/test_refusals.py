"""The refusals that a node remembers, counts and shows."""

import pytest

from stream.errors import PublicationRefusedError
from stream.mqtt.packets import Message
from stream.session.refusals import Kind, Refusals, Result
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics

TOO_LARGE, INVALID = 0x95, 0x99


class Node:
    """A node's refusals, with a clock that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        self.metrics, self.health = Metrics(), Health(60)
        self.refusals = Refusals(self.metrics, self.health, 60)

    def refuse(self, result: Result, code: int | None = INVALID) -> PublicationRefusedError:
        error = PublicationRefusedError("refused", reason_code=code)
        self.refusals.remember(result, error)
        return error


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(monkeypatch)


def result(source: bytes, kind: Kind = Kind.LABEL, *, size: int = 10) -> Result:
    return Result(kind, "tweets/polarity", b"x" * size, Message("tweets/in", source))


def test_only_the_same_kind_of_result_of_the_same_message_is_found(node: Node) -> None:
    error = node.refuse(result(b"a"))
    assert node.refusals.find(result(b"a", size=999)) is error
    assert node.refusals.find(result(b"b")) is None
    assert node.refusals.find(result(b"a", Kind.REJECTION)) is None


def test_refusals_are_forgotten_ten_minutes_after_the_first(node: Node) -> None:
    error = node.refuse(result(b"a"))
    node.now += 300
    node.refuse(result(b"b", size=500), TOO_LARGE)
    node.now += 300
    assert node.refusals.find(result(b"a")) is error
    node.now += 1
    assert node.refusals.find(result(b"a")) is None
    node.refuse(result(b"c"))
    assert node.refusals.find(result(b"d", size=999)) is None
    node.now += 600
    assert node.refusals.find(result(b"c"))


def test_the_oldest_of_1024_refusals_is_forgotten(node: Node) -> None:
    for number in range(1025):
        node.refuse(result(b"%d" % number))
    assert node.refusals.find(result(b"0")) is None
    assert node.refusals.find(result(b"1"))
    assert node.refusals.find(result(b"1024"))


def test_the_smallest_refused_size_counts(node: Node) -> None:
    node.refuse(result(b"a", size=500), TOO_LARGE)
    smaller = node.refuse(result(b"b", size=400), TOO_LARGE)
    node.refuse(result(b"c", size=400), TOO_LARGE)
    node.refuse(result(b"d", size=450), TOO_LARGE)
    assert node.refusals.find(result(b"e", size=399)) is None
    assert node.refusals.find(result(b"f", size=400)) is smaller
    assert node.refusals.find(result(b"g", size=401)) is smaller


@pytest.mark.parametrize(("kind", "code"), [(Kind.REPLY, TOO_LARGE), (Kind.LABEL, INVALID), (Kind.LABEL, None)])
def test_the_size_of_a_reply_or_of_another_refusal_does_not_count(node: Node, kind: Kind, code: int | None) -> None:
    node.refuse(result(b"a", kind, size=400), code)
    assert node.refusals.find(result(b"b", size=500)) is None


def test_the_first_refusal_of_a_kind_and_code_is_logged(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    for kind, code in ((Kind.LABEL, 1), (Kind.LABEL, 1), (Kind.LABEL, 2), (Kind.SHORT_LABEL, 1)):
        node.refusals.count(kind, PublicationRefusedError(f"code {code}", reason_code=code))
    more = "further ones are counted in starling_results_refused_total"
    assert caplog.messages == [
        f"the broker refuses a label: code 1; {more}",
        f"the broker refuses a label: code 2; {more}",
        f"the broker refuses a label without text: code 1; {more}",
    ]
    count = node.metrics.registry.get_sample_value("starling_results_refused_total", {"result": "label"})
    assert count == 3


def test_results_that_are_held_are_shown_until_the_last_is_released(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = result(b"a"), result(b"b")
    busy, full = PublicationRefusedError("busy"), PublicationRefusedError("full")
    node.refusals.hold(first, busy)
    assert node.health.obstacles == {"results": "the broker accepts no results for now (busy)"}
    node.refusals.hold(second, full)
    node.refusals.hold(second, full)
    assert node.health.obstacles == {"results": "the broker accepts no results for now (full)"}
    assert caplog.messages == ["results are held and published again: busy"]
    node.refusals.release(first)
    assert node.health.obstacles
    node.refusals.release(second)
    assert node.health.obstacles == {}
    node.refusals.release(result(b"never held"))
    node.refusals.hold(first, full)
    assert caplog.messages[1:] == ["results are held and published again: full"]
