"""Delivery of single messages, with connections and a pipeline that the test controls."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from stream.errors import BrokerError, PublicationRefusedError
from stream.labelling.in_progress import InProgress
from stream.labelling.pipeline import LabellingPipeline, MadeLabel, Outcome
from stream.labelling.recent import RecentResults
from stream.mqtt.packets import Headers, Message
from stream.mqtt.reason_codes import Code
from stream.session import delivery, results
from stream.session.connections import Connections
from stream.session.delivery import Deliveries, Remembered
from stream.session.refusals import Kind, Refusals, Result
from stream.session.results import Results
from stream.settings import EntitySettings, load_settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.tweets.rejections import Reason, RejectedTweetError
from tests.unit.session.fake_pipeline import FakePipeline
from tests.unit.waiting import until

LABEL = b'{"id":"1"}'
NOT_NOW, NOT_EVER = Code.QUOTA_EXCEEDED, 0x99
LABELS, REJECTED, REPLIES = "tweets/polarity", "tweets/rejected", "replies/a"


class FakeConnections:
    """The connections of a node; `done` records the calls in order."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.headers: list[Headers | None] = []
        """The headers of each publication."""
        self.protocol = "5"
        self.paused = False
        self.confirmations: asyncio.Semaphore | None = None
        """Semaphore whose releases confirm one publication each; None: all are confirmed at once."""
        self.failures: dict[str, Exception] = {}
        self.refused = b"refused"
        """The broker refuses payloads that contain these bytes."""
        self.refusal_code = 0x99
        self.refusals: list[int] = []
        """The reason codes of the next publications, which the broker refuses."""
        self.deliver: Callable[[Message], None] = lambda _: None

    def deliver_to(self, deliver: Callable[[Message], None]) -> None:
        self.deliver = deliver

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def acknowledge(self, message: Message) -> None:
        self.done.append(("acknowledge", message.payload))

    async def publish_confirmed(
        self,
        topic: str,
        payload: bytes,
        *,
        correlation_data: bytes | None = None,
        headers: Headers | None = None,
    ) -> None:
        self.headers.append(headers)
        if self.confirmations:
            await self.confirmations.acquire()
        if topic in self.failures:
            raise self.failures[topic]
        if self.refusals:
            raise PublicationRefusedError("not now", reason_code=self.refusals.pop(0))
        if self.refused in payload:
            raise PublicationRefusedError("not this one", reason_code=self.refusal_code)
        self.done.append((topic, payload, correlation_data))


class Node:
    """Deliveries with fake connections and a fake pipeline."""

    def __init__(self, tasks: asyncio.TaskGroup, receive_maximum: int) -> None:
        self.broker, self.pipeline, self.metrics = FakeConnections(), FakePipeline(), Metrics()
        self.recent: RecentResults[tuple[str, str | None], tuple[Outcome, ...]] = RecentResults(10)
        connection = cast("Any", self.broker)
        self.deliveries = Deliveries(
            tasks,
            Connections(intake=connection, outlet=connection),
            labelling=cast("LabellingPipeline", self.pipeline),
            remembered=Remembered(self.recent, Refusals(self.metrics, Health(60), 60)),
            settings=load_settings(overrides={"broker": {"receive_maximum": receive_maximum}}),
            metrics=self.metrics,
        )

    def receive(self, payload: bytes, **fields: Any) -> None:
        self.broker.deliver(Message("tweets/in", payload, **fields))

    async def deliver(self, payload: bytes, **fields: Any) -> list[tuple[Any, ...]]:
        """Deliver a message, and return the recorded calls."""
        self.receive(payload, **fields)
        await self.deliveries.idle()
        return self.broker.done

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@asynccontextmanager
async def running(receive_maximum: int = 8) -> AsyncIterator[Node]:
    async with asyncio.TaskGroup() as tasks:
        yield Node(tasks, receive_maximum)


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with running() as node:
        yield node


async def test_a_message_is_acknowledged_after_its_label(node: Node) -> None:
    assert await node.deliver(b"1") == [(LABELS, LABEL, None), ("acknowledge", b"1")]


async def test_a_message_is_not_acknowledged_before_its_label_is_confirmed(node: Node) -> None:
    node.broker.confirmations = asyncio.Semaphore(0)
    node.receive(b"1")
    await asyncio.sleep(0)
    assert node.broker.done == []
    node.broker.confirmations.release()
    await node.deliveries.idle()
    assert node.broker.done[-1] == ("acknowledge", b"1")


async def test_a_rejected_message_is_acknowledged_after_its_rejection(node: Node) -> None:
    assert await node.deliver(b"x") == [(REJECTED, b"not_json: x", None), ("acknowledge", b"x")]


@pytest.mark.parametrize(("payload", "result"), [(b"1", LABEL), (b"x", b"not_json: x")])
async def test_the_result_is_also_published_to_the_response_topic(node: Node, payload: bytes, result: bytes) -> None:
    done = await node.deliver(payload, response_topic=REPLIES, correlation_data=b"7")
    assert done[1:] == [(REPLIES, result, b"7"), ("acknowledge", payload)]
    assert node.metric("starling_responses_refused_total") == 0


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("home/door", "topics.response_prefixes allows tweets/, replies/"),
        ("replies/full", "the quota is used up"),
    ],
)
async def test_a_refused_response_is_counted_and_the_message_is_acknowledged(
    node: Node, caplog: pytest.LogCaptureFixture, topic: str, reason: str
) -> None:
    caplog.set_level("DEBUG")
    node.broker.failures["replies/full"] = PublicationRefusedError("the quota is used up")
    assert (await node.deliver(b"1", response_topic=topic))[1:] == [("acknowledge", b"1")]
    assert node.metric("starling_responses_refused_total") == 1
    (record,) = caplog.records
    assert record.getMessage() == f"no reply was sent to the response topic '{topic}': {reason}"


@pytest.mark.parametrize("topic", [LABELS, REPLIES])
async def test_a_message_whose_result_is_not_confirmed_is_not_acknowledged(topic: str) -> None:
    tasks = asyncio.TaskGroup()
    await tasks.__aenter__()
    node = Node(tasks, 8)
    node.broker.failures[topic] = BrokerError("gone")
    node.receive(b"1", response_topic=REPLIES)
    with pytest.raises(ExceptionGroup) as group:
        await tasks.__aexit__(None, None, None)
    assert group.group_contains(BrokerError, match="gone")
    assert ("acknowledge", b"1") not in node.broker.done
    assert node.deliveries.fill == 0
    assert node.metric("starling_tweets_in_progress") == 0
    assert node.metric("starling_tweet_seconds_count") == 0


async def test_a_redelivered_message_gets_its_remembered_label(node: Node) -> None:
    await node.deliver(b"1")
    node.broker.done.clear()
    assert await node.deliver(b"1", duplicate=True) == [(LABELS, LABEL, None), ("acknowledge", b"1")]
    assert node.pipeline.labelled == ["1"]
    assert node.metric("starling_tweets_redelivered_total") == 1


async def test_a_redelivered_message_without_a_remembered_label_is_labelled(node: Node) -> None:
    await node.deliver(b"1", duplicate=True)
    assert node.pipeline.labelled == ["1"]
    assert node.metric("starling_tweets_redelivered_total") == 0


async def test_a_new_message_with_a_known_id_is_labelled_again(node: Node) -> None:
    node.recent.remember(("1", None), (MadeLabel(b"old label"),))
    assert (await node.deliver(b"1"))[0] == (LABELS, LABEL, None)
    assert node.recent.find(("1", None)) == (MadeLabel(LABEL),)


async def test_a_label_that_is_too_large_is_published_without_its_text(node: Node) -> None:
    node.pipeline.long_label, node.broker.refused = b'{"id":"1","text":"hello"}', b"hello"
    node.broker.refusal_code = Code.PACKET_TOO_LARGE
    done = await node.deliver(b"1", response_topic=REPLIES)
    assert done == [(LABELS, LABEL, None), (REPLIES, LABEL, None), ("acknowledge", b"1")]
    assert node.metric("starling_results_refused_total", result="label") == 1


@pytest.mark.parametrize("label", [b'{"id":"1","text":"hello"}', b'{"id":"1"}'])
async def test_a_label_that_is_refused_even_without_its_text_becomes_a_rejection(
    node: Node, caplog: pytest.LogCaptureFixture, label: bytes
) -> None:
    node.pipeline.long_label, node.broker.refused = label, b'"id"'
    done = await node.deliver(b"1", response_topic=REPLIES)
    assert done == [(REJECTED, b"label_refused: 1", None), (REPLIES, b"label_refused: 1", None), ("acknowledge", b"1")]
    (rejected,) = node.pipeline.rejected
    assert (rejected.reason, rejected.tweet_id) == (Reason.LABEL_REFUSED, "1")
    assert rejected.detail == "the broker refused the label (Payload format invalid, code 153)"
    assert node.pipeline.received_at[0] == node.pipeline.received_at[1]
    assert node.metric("starling_results_refused_total", result="label") == 1
    assert "the broker refuses a label: not this one" in caplog.text


@pytest.mark.parametrize(
    ("payload", "label", "refusals", "kinds"),
    [
        (b"1", LABEL, [NOT_NOW], [Kind.LABEL]),
        (b"1", b'{"id":"1","text":"hello"}', [NOT_EVER, NOT_NOW], [Kind.LABEL, Kind.SHORT_LABEL]),
        (b"1", LABEL, [NOT_EVER, NOT_NOW], [Kind.LABEL, Kind.REJECTION]),
        (b"x", LABEL, [NOT_NOW], [Kind.REJECTION]),
    ],
)
async def test_a_result_that_is_refused_for_the_moment_renews_the_age_of_its_message(
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
    payload: bytes,
    label: bytes,
    refusals: list[int],
    kinds: list[Kind],
) -> None:
    renewed: list[int] = []
    published: list[Kind] = []
    publish = Results.publish

    async def recorded(self: Results, result: Result, answered: Callable[[], None]) -> PublicationRefusedError | None:
        published.append(result.kind)
        return await publish(self, result, answered)

    monkeypatch.setattr(results, "reconnect_delays", lambda _: itertools.repeat(0.0))
    monkeypatch.setattr(InProgress, "renew", lambda _, number: renewed.append(number))
    monkeypatch.setattr(Results, "publish", recorded)
    node.pipeline.long_label, node.broker.refusals = label, list(refusals)
    assert (await node.deliver(payload))[-1] == ("acknowledge", payload)
    assert published == kinds
    assert renewed == [0]


async def test_a_rejection_that_is_refused_is_counted_and_the_message_is_acknowledged(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.broker.refused = b"not_json"
    assert await node.deliver(b"x") == [("acknowledge", b"x")]
    assert node.metric("starling_results_refused_total", result="rejection") == 1
    assert "the broker refuses a rejection: not this one" in caplog.text


@pytest.mark.parametrize("refused", [b"entity", b"unsure"])
async def test_a_rejection_that_is_refused_with_its_entity_is_published_without_it_and_remembered_whole(
    node: Node, refused: bytes
) -> None:
    rejected = RejectedTweetError(Reason.UNSURE, "", "1")
    rejected.entity = "Acme"
    node.pipeline.outcomes, node.broker.refused = (rejected,), refused
    node.pipeline.long_rejection = b'{"entity":"Acme","reason":"unsure"}'
    done = await node.deliver(b"1")
    assert done[:-1] == ([(REJECTED, b'{"reason":"unsure"}', None)] if refused == b"entity" else [])
    assert done[-1] == ("acknowledge", b"1")
    assert node.metric("starling_results_refused_total", result="rejection") == (refused == b"unsure")
    assert node.pipeline.rejected == [rejected]
    assert rejected.entity == "Acme"


async def test_a_proof_message_is_acknowledged_and_not_labelled(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    arrivals: list[bool] = []
    monkeypatch.setattr(delivery, "is_proof", lambda payload: payload == b"1")
    node.deliveries.on_arrival = lambda: arrivals.append(True)
    assert await node.deliver(b"1") == [("acknowledge", b"1")]
    assert node.metric("starling_tweets_received_total") == 0
    assert arrivals == [True]


async def test_messages_and_stages_are_counted(node: Node) -> None:
    await node.deliver(b"1")
    await node.deliver(b"x")
    assert node.metric("starling_tweets_received_total") == 2
    assert node.metric("starling_stage_seconds_count", stage="publish") == 2
    assert node.metric("starling_tweet_seconds_count") == 2
    assert node.metric("starling_tweets_in_progress") == 0


async def test_the_time_of_arrival_is_passed_on(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 12.5)
    await node.deliver(b"1")
    await node.deliver(b"x")
    assert node.pipeline.received_at == [12.5, 12.5]


async def test_reading_stops_at_a_full_window_and_continues_with_a_quarter_of_it_free() -> None:
    async with running(receive_maximum=8) as node:
        deliveries, broker = node.deliveries, node.broker
        broker.confirmations = confirmations = asyncio.Semaphore(0)
        for number in range(7):
            node.receive(str(number).encode())
        assert (deliveries.fill, broker.paused) == (7 / 8, False)
        node.receive(b"7")
        assert (deliveries.fill, broker.paused) == (1, True)
        confirmations.release()
        await until(lambda: deliveries.fill == 7 / 8)
        assert broker.paused
        confirmations.release()
        await until(lambda: deliveries.fill == 6 / 8)
        assert not broker.paused
        for _ in range(6):
            confirmations.release()


async def test_draining_waits_for_every_message_and_stops_reading() -> None:
    async with running(receive_maximum=8) as node:
        node.broker.confirmations = confirmations = asyncio.Semaphore(0)
        node.receive(b"1")
        draining = asyncio.create_task(node.deliveries.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        assert node.broker.paused
        confirmations.release()
        await draining
        assert node.broker.paused
        assert node.broker.done[-1] == ("acknowledge", b"1")


async def test_a_message_that_arrives_while_the_session_ends_stays_with_the_broker() -> None:
    async with asyncio.TaskGroup() as tasks:
        node = Node(tasks, 8)
    node.receive(b"1")
    assert node.deliveries.fill == 0
    assert node.broker.done == []
    assert not node.broker.paused


async def test_the_task_of_a_message_has_a_name_and_an_age(node: Node) -> None:
    assert node.deliveries.oldest_seconds() == 0
    node.broker.confirmations = asyncio.Semaphore(0)
    node.receive(b"1")
    assert "tweet-0" in {task.get_name() for task in asyncio.all_tasks()}
    await until(lambda: node.deliveries.oldest_seconds() > 0)
    node.broker.confirmations.release()


TRACE = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


@pytest.mark.parametrize("payload", [b"1", b"not a tweet"], ids=["label", "rejection"])
async def test_the_trace_of_a_tweet_is_on_its_result_and_its_reply(node: Node, payload: bytes) -> None:
    await node.deliver(payload, response_topic=REPLIES, headers=Headers("text/plain", (("other", "x"), TRACE)))
    assert node.broker.headers == [Headers(None, (TRACE,))] * 2


async def test_a_result_of_a_tweet_without_a_valid_trace_has_no_headers(node: Node) -> None:
    await node.deliver(b"1", headers=Headers(None, (("traceparent", "00-1"),)))
    await node.deliver(b"2")
    assert node.broker.headers == [None, None]


async def test_the_headers_of_a_message_are_read_with_it(node: Node) -> None:
    headers = Headers("application/json", (("id", "e1"),))
    await node.deliver(b"1", headers=headers)
    assert node.pipeline.read_headers == tuple(headers)


LABEL_A, LABEL_B = b'{"id":"1","entity":"a"}', b'{"id":"1","entity":"b"}'
BOTH = (MadeLabel(LABEL_A, "a", "reputation/a"), MadeLabel(LABEL_B, "b"))


async def test_a_message_is_acknowledged_after_all_its_labels(node: Node) -> None:
    node.pipeline.outcomes = BOTH
    assert await node.deliver(b"1") == [
        (LABELS, LABEL_A, None),
        ("reputation/a", LABEL_A, None),
        (LABELS, LABEL_B, None),
        ("acknowledge", b"1"),
    ]


async def test_a_message_is_not_acknowledged_before_its_last_label_is_confirmed(node: Node) -> None:
    node.pipeline.outcomes = BOTH
    node.broker.confirmations = confirmations = asyncio.Semaphore(0)
    node.receive(b"1")
    for _ in range(2):
        confirmations.release()
    await until(lambda: len(node.broker.done) == 2)
    await asyncio.sleep(0)
    assert ("acknowledge", b"1") not in node.broker.done
    confirmations.release()
    await node.deliveries.idle()
    assert node.broker.done[-1] == ("acknowledge", b"1")


@pytest.mark.parametrize("topic", [LABELS, "reputation/a"])
async def test_a_redelivered_message_gets_all_its_labels_again(topic: str) -> None:
    tasks = asyncio.TaskGroup()
    await tasks.__aenter__()
    lost = Node(tasks, 8)
    lost.pipeline.outcomes = BOTH
    lost.broker.failures[topic] = BrokerError("gone")
    lost.receive(b"1")
    with pytest.raises(ExceptionGroup):
        await tasks.__aexit__(None, None, None)
    assert ("acknowledge", b"1") not in lost.broker.done
    remembered = lost.recent.find(("1", None))
    assert remembered == BOTH
    async with running() as node:
        node.recent.remember(("1", None), remembered)
        done = await node.deliver(b"1", duplicate=True)
    assert [topic for topic, *_ in done] == [LABELS, "reputation/a", LABELS, "acknowledge"]
    assert node.pipeline.labelled == []


async def test_messages_with_one_id_are_told_apart_by_the_entity_that_they_name(node: Node) -> None:
    for entity in ("a", "b"):
        node.pipeline.entity, node.pipeline.long_label = entity, f"about {entity}".encode()
        await node.deliver(b"1")
    node.broker.done.clear()
    for entity in ("a", "b"):
        node.pipeline.entity = entity
        await node.deliver(b"1", duplicate=True)
    assert [done for done in node.broker.done if done[0] == LABELS] == [
        (LABELS, b"about a", None),
        (LABELS, b"about b", None),
    ]
    assert node.pipeline.labelled == ["1", "1"]


async def test_each_label_is_also_published_to_the_response_topic(node: Node) -> None:
    node.pipeline.outcomes = BOTH
    done = await node.deliver(b"1", response_topic=REPLIES, correlation_data=b"7")
    assert [each for each in done if each[0] == REPLIES] == [(REPLIES, LABEL_A, b"7"), (REPLIES, LABEL_B, b"7")]


async def test_a_refused_label_of_one_entity_becomes_a_rejection_and_the_others_are_published(node: Node) -> None:
    node.pipeline.outcomes, node.broker.refused = BOTH, LABEL_A
    for _ in range(2):  # the refusal that is remembered concerns the one label too
        node.broker.done.clear()
        assert await node.deliver(b"1") == [
            (REJECTED, b"label_refused: 1", None),
            (LABELS, LABEL_B, None),
            ("acknowledge", b"1"),
        ]
    assert [rejected.entity for rejected in node.pipeline.rejected] == ["a", "a"]


async def test_a_label_that_is_refused_at_its_entitys_topic_alone_is_counted(node: Node) -> None:
    node.pipeline.outcomes = BOTH
    node.broker.failures["reputation/a"] = PublicationRefusedError("not this one", reason_code=NOT_EVER)
    assert await node.deliver(b"1") == [
        (LABELS, LABEL_A, None),
        (LABELS, LABEL_B, None),
        ("acknowledge", b"1"),
    ]
    assert node.metric("starling_results_refused_total", result="label") == 1


async def test_a_rejection_in_place_of_one_label_leaves_the_others(node: Node) -> None:
    rejected = RejectedTweetError(Reason.UNSURE, "unsure", "1")
    rejected.entity = "a"
    node.pipeline.outcomes = (rejected, BOTH[1])
    assert await node.deliver(b"1") == [
        (REJECTED, b"unsure: 1", None),
        (LABELS, LABEL_B, None),
        ("acknowledge", b"1"),
    ]


async def test_the_topic_of_an_entity_is_no_response_topic(node: Node) -> None:
    node.pipeline.entities.use([EntitySettings(name="a", topic="tweets/about/a")])
    await node.deliver(b"1", response_topic="tweets/about/a")
    assert node.metric("starling_responses_refused_total") == 1
