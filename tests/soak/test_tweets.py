"""The tweets of a soak test."""

from pathlib import Path

import orjson
import pytest

from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.rejections import RejectedTweetError
from tests.soak.tweets import NoTweetsError, message, read_id, texts

SAMPLES = texts(None)


def test_no_two_tweets_are_the_same() -> None:
    sent = [orjson.loads(message(number, 1.0, SAMPLES)) for number in range(3 * len(SAMPLES))]
    assert len({tweet["id"] for tweet in sent}) == len(sent)
    labelled = [tweet["text"] for tweet in sent if tweet["text"]]
    assert len(set(labelled)) == len(labelled) > 0.9 * len(sent)


def test_a_few_tweets_are_invalid_and_marked() -> None:
    with pytest.raises(RejectedTweetError) as rejected:
        decode_tweet(message(0, 1.0, SAMPLES), LimitSettings())
    assert rejected.value.tweet_id == "0-1000000"
    decode_tweet(message(1, 1.0, SAMPLES), LimitSettings())


def test_the_id_contains_the_number_and_the_due_time() -> None:
    assert read_id(orjson.loads(message(7, 1234.56789, SAMPLES))["id"]) == (7, 1234.56789)


def test_a_given_file_is_repeated(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"id": "1", "text": "one"}\n\nnot JSON\n{"id": "2", "text": "two"}\n')
    assert texts(file) == ["one", "two"]
    assert orjson.loads(message(1, 0.0, texts(file)))["text"] == "two 1"


def test_a_file_without_tweets_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "empty.jsonl"
    file.write_text("\n")
    with pytest.raises(NoTweetsError, match=r"empty\.jsonl"):
        texts(file)
