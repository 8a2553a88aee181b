"""What `starling send` makes of a file's lines."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.commands.send import payloads
from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet

JSON_LINES = [b'{"id":"1","text":"a"}', b"", b"not json"]
TEXT_LINES = [b"what a day", b"", b"  ", b"caf\xc3\xa9 \xff"]


def texts_of(messages: list[bytes]) -> list[str]:
    return [orjson.loads(message)["text"] for message in messages]


def test_json_lines_are_sent_as_they_are() -> None:
    assert list(payloads(iter(JSON_LINES), plain=False)) == JSON_LINES


def test_each_line_of_text_becomes_a_tweet_and_empty_ones_none() -> None:
    assert texts_of(list(payloads(iter(TEXT_LINES), plain=True))) == ["what a day", "caf\xe9 \ufffd"]


def test_each_text_gets_an_id_of_its_own_in_every_run() -> None:
    messages = [message for _ in range(2) for message in payloads(iter([b"same", b"same"]), plain=True)]
    assert len({orjson.loads(message)["id"] for message in messages}) == 4


@pytest.mark.parametrize("first", [b'{"id":"1"}', b'  {"id":"1"}'])
def test_a_first_line_that_begins_an_object_tells_of_json(first: bytes) -> None:
    assert list(payloads(iter([first, b"a"]), plain=None)) == [first, b"a"]


@pytest.mark.parametrize("first", [b"what a day", b"[1]", b'"{"'])
def test_any_other_first_line_tells_of_text(first: bytes) -> None:
    assert texts_of(list(payloads(iter([first, b"{}"]), plain=None))) == [first.decode(), "{}"]


def test_what_the_lines_are_said_to_be_goes_before_what_they_look_like() -> None:
    assert list(payloads(iter([b"what a day"]), plain=False)) == [b"what a day"]
    assert texts_of(list(payloads(iter([b'{"id":"1"}']), plain=True))) == ['{"id":"1"}']


@pytest.mark.parametrize("plain", [True, False, None])
def test_an_empty_file_sends_nothing(*, plain: bool | None) -> None:
    assert list(payloads(iter([]), plain=plain)) == []


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_every_text_that_is_sent_is_a_tweet(lines: list[bytes]) -> None:
    for message in payloads(iter(lines), plain=True):
        assert decode_tweet(message, LimitSettings()).text.strip()
