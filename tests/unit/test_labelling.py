import asyncio
import time
from collections.abc import AsyncIterator

import orjson
import pytest

from stream.batcher import Batcher
from stream.labelling import Labelling, labelling_metrics
from stream.messages import Reason, RejectedTweetError
from stream.metrics import Metrics
from stream.model import Model
from stream.settings import load_settings


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def labelling(tiny_model: Model, metrics: Metrics) -> AsyncIterator[Labelling]:
    settings = load_settings(overrides={"node": "pi-1", "limits": {"text_characters": 100}})
    async with Batcher(tiny_model.classifiers, 16, metrics) as batcher:
        yield Labelling(tiny_model, batcher, settings, metrics)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


async def test_a_message_becomes_a_label(labelling: Labelling) -> None:
    tweet, tokens = labelling.read(b'{"id":"7","text":"lovely!"}')
    label = orjson.loads(await labelling.label(tweet, tokens, time.time()))
    assert (label["id"], label["polarity"], label["node"]) == ("7", "positive", "pi-1")
    assert label["received_at"] <= label["classified_at"]


async def test_many_messages_at_once_become_their_own_labels(labelling: Labelling) -> None:
    words = {"1": "awful", "2": "train", "3": "lovely street", "4": "sad"}
    read = [labelling.read(orjson.dumps({"id": number, "text": text})) for number, text in words.items()]
    labels = await asyncio.gather(*(labelling.label(tweet, tokens, 0.0) for tweet, tokens in read))
    assert [(found["id"], found["polarity"]) for found in map(orjson.loads, labels)] == [
        ("1", "negative"),
        ("2", "neutral"),
        ("3", "positive"),
        ("4", "negative"),
    ]


async def test_a_label_is_counted_with_its_confidence(labelling: Labelling, metrics: Metrics) -> None:
    await labelling.label(*labelling.read(b'{"id":"7","text":"lovely"}'), received_at=0.0)
    assert value(metrics, "starling_tweets_classified_total", polarity="positive") == 1
    assert value(metrics, "starling_confidence_ratio_count") == 1


async def test_tokens_are_counted(labelling: Labelling, metrics: Metrics) -> None:
    labelling.read(b'{"id":"7","text":"lovely train"}')
    assert value(metrics, "starling_tweet_tokens_sum") == 4
    assert value(metrics, "starling_tweets_truncated_total") == 0


async def test_a_text_longer_than_the_model_reads_is_counted_as_truncated(
    labelling: Labelling, metrics: Metrics
) -> None:
    _, tokens = labelling.read(orjson.dumps({"id": "7", "text": "nice " * 15}))
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
async def test_what_cannot_be_read_is_rejected_and_timed_all_the_same(
    labelling: Labelling, metrics: Metrics, payload: bytes, reason: Reason
) -> None:
    with pytest.raises(RejectedTweetError) as caught:
        labelling.read(payload)
    assert caught.value.reason is reason
    assert value(metrics, "starling_stage_seconds_count", stage="decode") == 1


async def test_a_rejection_is_counted_by_its_reason(labelling: Labelling, metrics: Metrics) -> None:
    message = labelling.rejection(RejectedTweetError(Reason.NO_TEXT, "none"), b"{}", 0.0)
    assert orjson.loads(message)["reason"] == "no_text"
    assert value(metrics, "starling_tweets_rejected_total", reason="no_text") == 1


def test_a_tweet_is_in_progress_until_it_is_done(metrics: Metrics) -> None:
    with labelling_metrics(metrics):
        assert value(metrics, "starling_tweets_in_progress") == 1
    assert value(metrics, "starling_tweets_in_progress") == 0
    assert value(metrics, "starling_tweet_seconds_count") == 1


def test_a_tweet_that_was_given_up_is_not_timed(metrics: Metrics) -> None:
    with pytest.raises(asyncio.CancelledError), labelling_metrics(metrics):
        raise asyncio.CancelledError
    assert value(metrics, "starling_tweets_in_progress") == 0
    assert value(metrics, "starling_tweet_seconds_count") == 0
