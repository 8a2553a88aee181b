"""The lines that `starling watch` shows."""

from typing import Any

import aiomqtt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.commands.watch import Viewer, label_line, one_line, rejection_line
from stream.settings import load_settings

LABEL = {"id": "7", "polarity": "positive", "confidence": 0.873}
REJECTION = {"reason": "no_text", "detail": "the tweet has no text"}


def message(topic: str, payload: bytes | dict[str, Any]) -> aiomqtt.Message:
    content = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return aiomqtt.Message(topic, content, qos=1, retain=False, mid=1, properties=None)


@pytest.fixture
def viewer() -> Viewer:
    return Viewer(load_settings())


def test_a_label_is_one_line_of_what_it_says() -> None:
    assert label_line(LABEL | {"entity": "Acme"}, {}).plain == "positive 0.87  7  Acme"


def test_a_label_shows_the_text_that_it_carries() -> None:
    assert label_line(LABEL | {"text": "what\na day"}, {}).plain == "positive 0.87  7  what a day"


def test_a_text_that_was_read_is_shown_with_its_label_and_let_go() -> None:
    texts = {"7": "what a day", "8": "another"}
    assert label_line(LABEL, texts).plain == "positive 0.87  7  what a day"
    assert texts == {"8": "another"}


def test_a_rejection_is_one_line_with_its_reason() -> None:
    assert rejection_line(REJECTION).plain == "rejected       no_text: the tweet has no text"
    assert rejection_line(REJECTION | {"id": "7"}).plain == "rejected       7  no_text: the tweet has no text"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_nothing_in_a_tweet_reaches_the_terminal_but_printable_characters(text: str) -> None:
    shown = label_line(LABEL | {"id": text, "entity": text, "text": text}, {}).plain
    assert (shown + rejection_line(REJECTION | {"id": text}).plain).isprintable()


def test_a_terminals_commands_are_disarmed() -> None:
    assert one_line("a\x1b[2Jb\x9bc\r\nd\u202ee") == "a[2Jbc de"


def test_results_are_shown_and_counted(viewer: Viewer, capsys: pytest.CaptureFixture[str]) -> None:
    viewer.show(message("tweets/polarity", LABEL))
    viewer.show(message("tweets/rejected", REJECTION))
    assert capsys.readouterr().out.splitlines() == [
        "positive 0.87  7",
        "rejected       no_text: the tweet has no text",
    ]
    assert viewer.results == 2


def test_a_node_that_comes_or_goes_is_shown_and_is_no_result(
    viewer: Viewer, capsys: pytest.CaptureFixture[str]
) -> None:
    viewer.show(message("starling/pi-1/status", b"online"))
    viewer.show(message("starling/pi-\x07/status", b"\x1b[2J\xff"))
    assert capsys.readouterr().out.splitlines() == ["node pi-1 is online", "node pi- is [2J\ufffd"]
    assert viewer.results == 0


def test_a_tweets_text_is_shown_with_its_label(viewer: Viewer, capsys: pytest.CaptureFixture[str]) -> None:
    viewer.show(message("tweets/in", {"id": "7", "text": "what a day"}))
    viewer.show(message("tweets/in", b"no tweet"))
    viewer.show(message("tweets/polarity", LABEL))
    assert capsys.readouterr().out == "positive 0.87  7  what a day\n"


def test_texts_are_not_kept_for_ever(viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.commands.watch._TEXTS_KEPT", 2)
    for tweet_id in ("7", "8", "9"):
        viewer.show(message("tweets/in", {"id": tweet_id, "text": "what a day"}))
    assert list(viewer._texts) == ["8", "9"]


def test_json_shows_results_as_they_came_and_nothing_else(
    viewer: Viewer, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    viewer.show_json(message("tweets/polarity", LABEL))
    viewer.show_json(message("starling/pi-1/status", b"online"))
    viewer.show_json(message("tweets/rejected", REJECTION))
    assert [orjson.loads(line) for line in capsysbinary.readouterr().out.splitlines()] == [LABEL, REJECTION]
    assert viewer.results == 2
