"""Messages that `starling send` makes of a file."""

import gzip
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.commands.send import Messages, new_id_prefix
from stream.errors import InputError
from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.formats import Format
from stream.tweets.reader import FileOptions
from stream.tweets.source import open_source

JSON_LINES = b'{"id":"1","text":"a"}\n\nnot json\n{"text":"b"}'


def messages_of(path: Path, content: bytes, how: Format | None = None, *, id_prefix: str = "") -> list[bytes]:
    found, _ = sent(path, content, FileOptions(how, id_prefix=id_prefix))
    return found


def sent(path: Path, content: bytes, options: FileOptions) -> tuple[list[bytes], Messages]:
    path.write_bytes(content)
    with open_source(str(path)) as source:
        messages = Messages(source, options, LimitSettings(), most=2)
        found = []
        while batch := messages.next_batch():
            found.extend(batch)
    return found, messages


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tweets"


def texts_of(messages: list[bytes]) -> list[str]:
    return [orjson.loads(message)["text"] for message in messages]


def test_json_lines_are_sent_unchanged_and_blank_lines_are_not_sent(path: Path) -> None:
    assert messages_of(path, JSON_LINES) == [b'{"id":"1","text":"a"}', b"not json", b'{"text":"b"}']


def test_messages_that_nodes_will_reject_are_counted(path: Path) -> None:
    _, messages = sent(path, JSON_LINES, FileOptions())
    assert messages.to_be_rejected.reasons == {"not_json": 1, "no_id": 1}
    assert messages.not_sent.total == 0


def test_rows_with_the_wrong_number_of_fields_are_counted(path: Path) -> None:
    found, messages = sent(path, b"id,text\n1,a\n2\n3,c\n", FileOptions())
    assert texts_of(found) == ["a", "c"]
    assert messages.not_sent.reasons == {"bad_row": 1}


def test_each_line_of_text_becomes_a_tweet_and_empty_ones_do_not(path: Path) -> None:
    content = b"what a day\n\n  \ncaf\xc3\xa9 \xff"
    assert texts_of(messages_of(path, content, "text")) == ["what a day", "caf\xe9 \ufffd"]


def test_texts_have_ids_that_differ_between_runs(path: Path) -> None:
    messages = [
        message for _ in range(2) for message in messages_of(path, b"same\nsame", "text", id_prefix=new_id_prefix())
    ]
    assert len({orjson.loads(message)["id"] for message in messages}) == 4


@pytest.mark.parametrize("content", [b"what a day\n{}", b"[1]\n{}", b'"{"\n{}', b"a,b\n1,2\n"])
def test_text_is_not_sent_unless_it_is_said_to_be_text(path: Path, content: bytes) -> None:
    found, messages = sent(path, content, FileOptions())
    assert found == []
    assert isinstance(messages.error, InputError)
    assert "--text" in str(messages.error)


def test_a_stated_format_overrides_the_detected_one(path: Path) -> None:
    assert messages_of(path, b"what a day", "json-lines") == [b"what a day"]
    assert texts_of(messages_of(path, b'{"id":"1"}', "text")) == ['{"id":"1"}']


@pytest.mark.parametrize("how", ["text", "json-lines", None])
def test_an_empty_file_sends_nothing(path: Path, how: Format | None) -> None:
    found, messages = sent(path, b"", FileOptions(how))
    assert (found, messages.error) == ([], None)


def test_what_was_read_before_an_error_is_sent(path: Path) -> None:
    found, messages = sent(path, gzip.compress(b'{"id":"1","text":"a"}\n' * 3)[:-4], FileOptions())
    assert len(found) == 3
    assert "ends early" in str(messages.error)


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=10))
def test_every_text_that_is_sent_is_a_tweet(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("texts") / "tweets.txt"
    for message in messages_of(path, b"\n".join([b"first", *lines]), "text"):
        assert decode_tweet(message, LimitSettings()).text.strip()
