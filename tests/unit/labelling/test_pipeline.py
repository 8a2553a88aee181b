import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from stream.labelling.batcher import Batcher
from stream.labelling.engine import Engine
from stream.labelling.pipeline import LabellingPipeline, labelling_metrics
from stream.model.loading import Model
from stream.model.tokenizer import Tokens
from stream.settings import DecisionSettings, LimitSettings
from stream.telemetry.metrics import Metrics
from stream.tweets.labels import LabelEncoder
from stream.tweets.rejections import Reason, RejectedTweetError
from tests.unit.fake_classifier import FakeClassifier
from tests.unit.labelling.labels import only_label, payload_of

LIMITS = LimitSettings(text_characters=100)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def labelling(tiny_model: Model, metrics: Metrics) -> AsyncIterator[LabellingPipeline]:
    async with Batcher(tiny_model.classifiers, 16, metrics) as batcher:
        labelling = LabellingPipeline(LIMITS, metrics)
        labelling.use(Engine(tiny_model, batcher, LabelEncoder("pi-1", tiny_model.bundle.identity), 0, metrics))
        yield labelling


def value(metrics: Metrics, sample: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(sample, labels)


async def test_a_message_becomes_a_label(labelling: LabellingPipeline) -> None:
    label = orjson.loads(await only_label(labelling, b'{"id":"7","text":"lovely!"}', time.time()))
    assert (label["id"], label["polarity"], label["node"]) == ("7", "positive", "pi-1")
    assert label["received_at"] <= label["classified_at"]


async def test_a_tweet_is_classified_without_a_task_of_its_own(labelling: LabellingPipeline) -> None:
    loop, names = asyncio.get_running_loop(), list[str]()

    def make_task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        names.append(work.__qualname__)
        return asyncio.Task(work, loop=loop, **options)

    loop.set_task_factory(make_task)
    await only_label(labelling, b'{"id":"7","text":"lovely!"}', time.time())
    assert names == []


async def test_many_messages_at_once_become_their_own_labels(labelling: LabellingPipeline) -> None:
    words = {"1": "awful", "2": "train", "3": "lovely street", "4": "sad"}
    read = [labelling.read(orjson.dumps({"id": number, "text": text})) for number, text in words.items()]
    labels = await asyncio.gather(*(labelling.label(one, 0.0) for one in read))
    assert [(found["id"], found["polarity"]) for found in map(orjson.loads, map(payload_of, labels))] == [
        ("1", "negative"),
        ("2", "neutral"),
        ("3", "positive"),
        ("4", "negative"),
    ]


async def test_a_label_is_counted_with_its_confidence(labelling: LabellingPipeline, metrics: Metrics) -> None:
    await only_label(labelling, b'{"id":"7","text":"lovely"}')
    assert value(metrics, "starling_tweets_classified_total", polarity="positive") == 1
    assert value(metrics, "starling_confidence_ratio_count") == 1


@pytest.mark.parametrize(
    ("decision", "polarity", "reason"),
    [
        (DecisionSettings(prior=(0.98, 0.01, 0.01)), "negative", "prior"),
        (DecisionSettings(threshold=0.99), "neutral", "below_threshold"),
    ],
    ids=["prior", "threshold"],
)
async def test_a_label_that_the_settings_changed_says_so_and_is_counted(
    tiny_model: Model, metrics: Metrics, decision: DecisionSettings, polarity: str, reason: str
) -> None:
    async with Batcher(tiny_model.classifiers, 16, metrics) as batcher:
        labelling = LabellingPipeline(LIMITS, metrics)
        encoder = LabelEncoder("pi-1", tiny_model.bundle.identity)
        labelling.use(Engine(tiny_model, batcher, encoder, 0, metrics, decision=decision))
        label = orjson.loads(await only_label(labelling, b'{"id":"7","text":"lovely"}'))
    assert (label["polarity"], label["decision"]) == (polarity, reason)
    assert value(metrics, "starling_tweets_classified_total", polarity=polarity) == 1
    assert value(metrics, "starling_labels_changed_total", reason=reason) == 1


async def test_a_label_that_the_settings_did_not_change_is_not_counted_as_changed(
    labelling: LabellingPipeline, metrics: Metrics
) -> None:
    label = orjson.loads(await only_label(labelling, b'{"id":"7","text":"lovely"}'))
    assert "decision" not in label
    for reason in ("prior", "below_threshold"):
        assert value(metrics, "starling_labels_changed_total", reason=reason) == 0


async def test_an_unsure_tweet_is_rejected_by_the_settings_and_not_counted_as_labelled(
    tiny_model: Model, metrics: Metrics
) -> None:
    decision = DecisionSettings(threshold=0.99, below_threshold="reject")
    async with Batcher(tiny_model.classifiers, 16, metrics) as batcher:
        labelling = LabellingPipeline(LIMITS, metrics)
        encoder = LabelEncoder("pi-1", tiny_model.bundle.identity)
        labelling.use(Engine(tiny_model, batcher, encoder, 0, metrics, decision=decision))
        (rejected,) = await labelling.label(labelling.read(b'{"id":"7","text":"lovely"}'), 0.0)
    assert isinstance(rejected, RejectedTweetError)
    assert (rejected.reason, rejected.tweet_id) == (Reason.UNSURE, "7")
    assert value(metrics, "starling_tweets_classified_total", polarity="positive") == 0
    assert value(metrics, "starling_confidence_ratio_count") == 0


async def test_tokens_are_counted(labelling: LabellingPipeline, metrics: Metrics) -> None:
    labelling.read(b'{"id":"7","text":"lovely train"}')
    assert value(metrics, "starling_tweet_tokens_sum") == 4
    assert value(metrics, "starling_tweets_truncated_total") == 0


async def test_a_text_longer_than_the_model_reads_is_counted_as_truncated(
    labelling: LabellingPipeline, metrics: Metrics
) -> None:
    ((_, tokens),) = labelling.read(orjson.dumps({"id": "7", "text": "nice " * 15})).concerned
    assert tokens.truncated
    assert value(metrics, "starling_tweets_truncated_total") == 1


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"hello", Reason.NOT_JSON),
        (orjson.dumps({"id": "7", "text": "a" * 101}), Reason.TOO_LONG),
        (b'{"id":"7","text":"\\u0001"}', Reason.NOTHING_LEFT),
    ],
    ids=["undecodable", "over a limit", "cleaned away"],
)
async def test_an_unreadable_message_is_rejected_and_timed(
    labelling: LabellingPipeline, metrics: Metrics, payload: bytes, reason: Reason
) -> None:
    with pytest.raises(RejectedTweetError) as caught:
        labelling.read(payload)
    assert caught.value.reason is reason
    assert value(metrics, "starling_stage_seconds_count", stage="decode") == 1


async def test_a_rejection_is_counted_by_its_reason(labelling: LabellingPipeline, metrics: Metrics) -> None:
    message = labelling.rejection(RejectedTweetError(Reason.NO_TEXT, "none"), b"{}", 0.0)
    assert orjson.loads(message)["reason"] == "no_text"
    assert value(metrics, "starling_tweets_rejected_total", reason="no_text") == 1


async def test_a_tweet_is_labelled_by_the_engine_that_it_was_read_for(
    labelling: LabellingPipeline, tiny_model: Model, metrics: Metrics
) -> None:
    read = labelling.read(b'{"id":"7","text":"lovely"}')
    async with Batcher(tiny_model.classifiers, 16, metrics) as batcher:
        labelling.use(Engine(tiny_model, batcher, LabelEncoder("other", tiny_model.bundle.identity), 0, metrics))
        assert orjson.loads(payload_of(await labelling.label(read, 0.0)))["node"] == "pi-1"
        again = labelling.read(b'{"id":"8","text":"lovely"}')
        assert orjson.loads(payload_of(await labelling.label(again, 0.0)))["node"] == "other"


async def test_the_metrics_name_the_model_in_use(labelling: LabellingPipeline, metrics: Metrics) -> None:
    labels = {"name": "tiny", "precision": "float32", "sha256": labelling.engine.model.bundle.sha256}
    assert value(metrics, "starling_model_info", **labels) == 1


def test_a_tweet_before_any_model_is_an_internal_error(metrics: Metrics) -> None:
    with pytest.raises(RuntimeError, match="before a model was loaded"):
        LabellingPipeline(LIMITS, metrics).read(b"{}")


async def test_an_engine_is_idle_until_a_tweet_comes_and_again_when_all_are_done(
    tiny_model: Model, metrics: Metrics
) -> None:
    fake = FakeClassifier()
    fake.go.clear()
    tokens = Tokens([1, 2], truncated=False)
    async with Batcher([fake], 16, metrics) as batcher:
        engine = Engine(tiny_model, batcher, LabelEncoder("pi-1", tiny_model.bundle.identity), 0, metrics)
        await engine.idle()
        answers = [asyncio.create_task(engine.classify(tokens)) for _ in range(2)]
        await asyncio.to_thread(fake.began.acquire)
        idle = asyncio.create_task(engine.idle())
        answers[1].cancel()
        await asyncio.wait([answers[1]])
        assert not idle.done()
        fake.go.set()
        await idle
        assert answers[0].done()


def test_a_tweet_is_in_progress_until_it_is_done(metrics: Metrics) -> None:
    with labelling_metrics(metrics):
        assert value(metrics, "starling_tweets_in_progress") == 1
    assert value(metrics, "starling_tweets_in_progress") == 0
    assert value(metrics, "starling_tweet_seconds_count") == 1


def test_a_cancelled_tweet_is_not_timed(metrics: Metrics) -> None:
    with pytest.raises(asyncio.CancelledError), labelling_metrics(metrics):
        raise asyncio.CancelledError
    assert value(metrics, "starling_tweets_in_progress") == 0
    assert value(metrics, "starling_tweet_seconds_count") == 0


async def test_a_tweet_with_the_same_tokens_gets_the_remembered_result(tiny_model: Model, metrics: Metrics) -> None:
    async with Batcher(tiny_model.classifiers, 16, metrics) as batcher:
        labelling = LabellingPipeline(LIMITS, metrics)
        labelling.use(Engine(tiny_model, batcher, LabelEncoder("pi-1", tiny_model.bundle.identity), 1, metrics))
        labels = [
            orjson.loads(await only_label(labelling, orjson.dumps({"id": number, "text": text})))
            for number, text in (("1", "lovely street"), ("2", " lovely  street"), ("3", "sad"), ("4", "lovely street"))
        ]
    assert [label["id"] for label in labels] == ["1", "2", "3", "4"]
    assert [label["polarity"] for label in labels] == ["positive", "positive", "negative", "positive"]
    assert labels[0]["probabilities"] == labels[1]["probabilities"]
    assert value(metrics, "starling_tweets_repeated_total") == 1  # the fourth was forgotten for the third
    assert value(metrics, "starling_batch_size_sum") == 3


async def test_a_remembered_result_takes_little_memory(tiny_model: Model, metrics: Metrics) -> None:
    count, fake = 200, FakeClassifier()
    async with Batcher([fake], 16, metrics) as batcher:
        engine = Engine(tiny_model, batcher, LabelEncoder("pi-1", tiny_model.bundle.identity), count, metrics)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for number in range(count):
                await engine.classify(Tokens([10_000 + 16 * number + place for place in range(16)], truncated=False))
                fake.batches.clear()
            taken = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert taken / count < 800
