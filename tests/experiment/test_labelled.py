import gzip
import json
from pathlib import Path

import pytest

from stream.errors import InputError
from stream.experiment.labelled import chosen, in_order_of, read_labelled

LINES = [
    {"id": "1", "text": "Lovely street", "polarity": "positive"},
    {"id": "2", "text": "The train is late again", "polarity": "negative"},
    {"data": {"id": "3", "text": "A street"}, "polarity": "neutral"},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tweets.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return path


def test_tweets_are_read_with_their_polarity(file: Path) -> None:
    tweets = read_labelled(file)
    assert [(each.tweet.id, each.polarity) for each in tweets] == [
        ("1", "positive"),
        ("2", "negative"),
        ("3", "neutral"),
    ]


def test_a_gzipped_file_is_read_too(file: Path) -> None:
    packed = file.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert read_labelled(packed) == read_labelled(file)


def test_the_same_seed_gives_the_same_order(file: Path) -> None:
    tweets = read_labelled(file) * 10
    assert in_order_of(tweets, 1) == in_order_of(tweets, 1)
    assert in_order_of(tweets, 1) != in_order_of(tweets, 2)


def test_a_choice_of_tweets_depends_on_the_shuffle_seed_alone(file: Path) -> None:
    tweets = read_labelled(file) * 10
    assert len(chosen(tweets, 0, 7)) == 7
    assert chosen(tweets, 0, 7) == chosen(tweets, 0, 7)
    assert chosen(tweets, 0, 7) != chosen(tweets, 1, 7)


@pytest.mark.parametrize("most", [None, 3, 100])
def test_all_tweets_are_chosen_if_there_are_no_more(file: Path, most: int | None) -> None:
    assert chosen(read_labelled(file), 0, most) == read_labelled(file)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"id": "1", "text": "No label"}', "line 2 has no 'polarity' that is one of negative, neutral, positive"),
        ('{"id": "1", "text": "Odd", "polarity": "cheerful"}', "line 2 has no 'polarity'"),
        ('{"text": "Nobody", "polarity": "neutral"}', "line 2: no_id"),
        ("neutral", "line 2: not_json"),
    ],
)
def test_a_line_without_a_valid_tweet_or_polarity_is_named(file: Path, line: str, says: str) -> None:
    file.write_text(json.dumps(LINES[0]) + "\n" + line + "\n")
    with pytest.raises(InputError, match=says):
        read_labelled(file)


@pytest.mark.parametrize(("content", "says"), [(b"", "holds no tweets"), (b"\x1f\x8bnonsense", "cannot read")])
def test_a_file_without_tweets_is_refused(file: Path, content: bytes, says: str) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_labelled(file)
