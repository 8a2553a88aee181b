from importlib import resources
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.bench.workload import batches, in_buckets, numbered, of_length, read_tweets
from stream.errors import BenchError, InputError
from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet

LENGTHS = st.lists(st.integers(1, 80), max_size=80)


def test_samples_that_would_be_rejected_are_left_out() -> None:
    samples = resources.files("stream").joinpath("samples/tweets.jsonl").read_bytes().splitlines()

    assert 380 < len(read_tweets(None)) < len(samples) - 20


def test_every_message_format_gets_its_number_as_id() -> None:
    for source in read_tweets(None):
        tweet = decode_tweet(numbered(source.payload, 12345), LimitSettings())
        assert (tweet.id, tweet.text) == ("12345", source.tweet.text)


def test_a_file_without_a_tweet_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "none.jsonl"
    file.write_bytes(orjson.dumps({"id": "1"}) + b"\nno JSON\n")
    with pytest.raises(InputError, match="contains no tweet"):
        read_tweets(str(file))


def test_rows_of_one_length_use_the_same_tokens() -> None:
    assert of_length([[1, 2, 3], [4]], 3, most=8) == [[1, 2, 3], [4, 1, 2]]


@pytest.mark.parametrize("length", [0, 9])
def test_a_length_that_the_model_does_not_accept_is_refused(length: int) -> None:
    with pytest.raises(BenchError, match=f"length {length}: the model accepts 1 to 8 tokens"):
        of_length([[1]], length, most=8)


def test_single_tweets_repeat_in_their_order() -> None:
    endless = batches([[1], [2, 2], [3]], 1)
    assert [next(endless) for _ in range(4)] == [[[1]], [[2, 2]], [[3]], [[1]]]


def test_batches_are_full_and_have_similar_lengths() -> None:
    endless = batches([[0] * length for length in (1, 9, 2, 8)], 2)
    assert {len(next(endless)) for _ in range(64)} == {2}


@given(LENGTHS, st.integers(1, 16))
def test_a_window_is_split_into_batches_of_one_bucket(lengths: list[int], batch: int) -> None:
    def bucket(length: int) -> int:
        return -(-length // 4)

    cut = list(in_buckets(lengths, batch, bucket))
    assert sorted(place for places in cut for place in places) == list(range(len(lengths)))
    assert all(len(places) <= batch and len({bucket(lengths[place]) for place in places}) == 1 for places in cut)
