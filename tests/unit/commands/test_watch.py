"""The lines that `starling watch` shows."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.commands.watch import ShownLabel, ShownRejection, Viewer, label_line, one_line, rejection_line
from stream.mqtt.packets import Message
from stream.settings import load_settings

LABEL = {"id": "7", "polarity": "positive", "confidence": 0.873}
REJECTION = {"reason": "no_text", "detail": "the tweet has no text"}


def message(topic: str, payload: bytes | dict[str, Any]) -> Message:
    content = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return Message(topic, content)


def shown_label(texts: dict[str, str] | None = None, **changes: Any) -> str:
    return label_line(ShownLabel.model_validate(LABEL | changes), {} if texts is None else texts).plain


def shown_rejection(**changes: Any) -> str:
    return rejection_line(ShownRejection.model_validate(REJECTION | changes)).plain


@pytest.fixture
def viewer() -> Viewer:
    return Viewer(load_settings())


def test_a_label_is_shown_on_one_line() -> None:
    assert shown_label(entity="Acme") == "positive 0.87  7  Acme"


def test_a_label_in_a_language_that_the_model_does_not_label_says_so() -> None:
    supported: dict[str, Any] = {"lang": "en", "language_supported": True}
    assert shown_label(**supported) == "positive 0.87  7"
    other: dict[str, Any] = {"lang": "fr\x1b[2J", "language_supported": False}
    assert shown_label(**other) == "positive 0.87  7  in fr[2J, which the model does not label"


def test_a_label_shows_the_text_that_it_carries() -> None:
    assert shown_label(text="what\na day") == "positive 0.87  7  what a day"


def test_a_text_that_was_read_is_shown_with_its_label_and_then_forgotten() -> None:
    texts = {"7": "what a day", "8": "another"}
    assert shown_label(texts) == "positive 0.87  7  what a day"
    assert texts == {"8": "another"}


def test_a_rejection_is_one_line_with_its_reason() -> None:
    assert shown_rejection() == "rejected       no_text: the tweet has no text"
    assert shown_rejection(id="7") == "rejected       7  no_text: the tweet has no text"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_only_printable_characters_of_a_tweet_reach_the_terminal(text: str) -> None:
    assert shown_label(id=text, entity=text, text=text).isprintable()
    assert shown_rejection(id=text, reason=text, detail=text).isprintable()


def test_control_sequences_of_terminals_are_removed() -> None:
    assert one_line("a\x1b[2Jb\x9bc\r\nd\u202ee") == "a[2Jbc de"


def test_results_are_shown_and_counted(viewer: Viewer, capsys: pytest.CaptureFixture[str]) -> None:
    viewer.show(message("tweets/polarity", LABEL))
    viewer.show(message("tweets/rejected", REJECTION))
    assert capsys.readouterr().out.splitlines() == [
        "positive 0.87  7",
        "rejected       no_text: the tweet has no text",
    ]
    assert viewer.results == 2


def test_a_nodes_status_is_shown_and_not_counted_as_a_result(
    viewer: Viewer, capsys: pytest.CaptureFixture[str]
) -> None:
    viewer.show(message("starling/pi-1/status", b"online"))
    viewer.show(message("starling/pi-\x07/status", b"\x1b[2J\xff"))
    viewer.show(message("starling/pi-2/status", b""))
    shown = capsys.readouterr().out.splitlines()
    assert shown == ["node pi-1 is online", "node pi- is [2J\ufffd", "node pi-2 is deleted"]
    assert viewer.results == 0


def test_a_tweets_text_is_shown_with_its_label(viewer: Viewer, capsys: pytest.CaptureFixture[str]) -> None:
    viewer.show(message("tweets/in", {"id": "7", "text": "what a day"}))
    viewer.show(message("tweets/in", b"no tweet"))
    viewer.show(message("tweets/polarity", LABEL))
    assert capsys.readouterr().out == "positive 0.87  7  what a day\n"


def test_the_number_of_kept_texts_is_limited(
    viewer: Viewer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("stream.commands.watch._TEXTS_KEPT", 2)
    for tweet_id in ("7", "8", "9"):
        viewer.show(message("tweets/in", {"id": tweet_id, "text": "what a day"}))
    for tweet_id in ("7", "8", "9"):
        viewer.show(message("tweets/polarity", LABEL | {"id": tweet_id}))
    assert capsys.readouterr().out.splitlines() == [
        "positive 0.87  7",
        "positive 0.87  8  what a day",
        "positive 0.87  9  what a day",
    ]


def test_json_shows_only_results_unchanged(viewer: Viewer, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    viewer.show_json(message("tweets/polarity", LABEL))
    viewer.show_json(message("starling/pi-1/status", b"online"))
    viewer.show_json(message("tweets/rejected", REJECTION))
    assert [orjson.loads(line) for line in capsysbinary.readouterr().out.splitlines()] == [LABEL, REJECTION]
    assert viewer.results == 2


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*LABEL, *REJECTION, "text", "entity"]), inner),
    max_leaves=6,
)
NO_RESULTS = {
    "nothing": b"",
    "no JSON": b"hello",
    "no UTF-8": b"\xff",
    "a list": b"[]",
    "a label of nothing": b"{}",
    "an unheard-of polarity": orjson.dumps(LABEL | {"polarity": "furious"}),
    "a confidence that is none": orjson.dumps(LABEL | {"confidence": "high"}),
    "a confidence of great size": orjson.dumps(LABEL | {"confidence": 1e308}),
    "a confidence that is no number": b'{"id":"7","polarity":"positive","confidence":NaN}',
    "an id that is a list": orjson.dumps(LABEL | {"id": []}),
    "depth": b'{"a":' * 900 + b"1" + b"}" * 900,
}


@pytest.mark.parametrize("payload", NO_RESULTS.values(), ids=NO_RESULTS)
@pytest.mark.parametrize("topic", ["tweets/polarity", "tweets/rejected"])
def test_a_message_that_is_not_a_result_is_reported(
    viewer: Viewer, capsys: pytest.CaptureFixture[str], topic: str, payload: bytes
) -> None:
    viewer.show(message(topic, payload))
    assert capsys.readouterr().out == f"{len(payload)} bytes on {topic} are not a result\n"
    assert viewer.results == 0


@given(st.sampled_from(["tweets/polarity", "tweets/rejected", "tweets/in", "starling/a/status"]), st.data())
def test_no_message_ends_the_watch(topic: str, data: st.DataObject) -> None:
    payload = data.draw(st.binary() | ANY_JSON.map(lambda value: json.dumps(value).encode()))
    viewer = Viewer(load_settings())
    viewer.show(message(topic, payload))
    viewer.show_json(message(topic, payload))


def test_json_is_one_line_per_message_without_control_characters(
    viewer: Viewer, capsys: pytest.CaptureFixture[str]
) -> None:
    viewer.show_json(message("tweets/polarity", '{\n"id":\n"\u009b2J\u007f"}'.encode()))
    assert capsys.readouterr().out == '{"id":"\\u009b2J\\u007f"}\n'


@pytest.mark.parametrize("payload", [b"\x1b[2J", b'"\xff"', b"[" * 600 + b"]" * 600], ids=["text", "bytes", "depth"])
def test_json_leaves_out_messages_that_are_not_json(
    viewer: Viewer, capsys: pytest.CaptureFixture[str], payload: bytes
) -> None:
    viewer.show_json(message("tweets/rejected", payload))
    assert capsys.readouterr() == ("", "a message on tweets/rejected is not JSON\n")
    assert viewer.results == 0


def test_a_long_text_is_cut(viewer: Viewer, capsys: pytest.CaptureFixture[str]) -> None:
    viewer.show(message("tweets/polarity", LABEL | {"text": "a" * 100_000}))
    assert len(capsys.readouterr().out) < 1100


def test_invented_nodes_do_not_fill_the_memory(viewer: Viewer) -> None:
    quantity = {"value": 2.5, "standard_error": None}
    per_tweet = {"all": quantity, "above_idle": None}
    energy = {"watts": quantity, "joules_per_tweet": per_tweet, "joules_total": quantity, "source": "rapl"}
    for number in range(2000):
        viewer.show(message(f"starling/made-up-{number}/energy", energy))
    assert 0 < len(viewer.energy_shown) <= 1000


def shown_for(capsys: pytest.CaptureFixture[str], *entities: str, as_json: bool = False) -> list[str]:
    """Show labels and rejections about several entities to a viewer of some."""
    listed = [{"name": "Acme", "aliases": ["@acme_help"]}, {"name": "Globex"}]
    viewer = Viewer(load_settings(overrides={"entities": listed}), entities)
    show = viewer.show_json if as_json else viewer.show
    for number, entity in enumerate(("Acme", "ACME", "@acme_help", "Globex", "Initech", None)):
        about = {"id": str(number)} | ({"entity": entity} if entity else {})
        show(message("tweets/polarity", LABEL | about))
        show(message("tweets/rejected", REJECTION | about))
    shown = capsys.readouterr().out.splitlines()
    assert viewer.results == len(shown)
    return shown


@pytest.mark.parametrize("name", ["acme", "Acme", "@Acme_Help"])
def test_only_results_about_an_entity_are_shown(capsys: pytest.CaptureFixture[str], name: str) -> None:
    shown = shown_for(capsys, name)
    assert shown[:2] == ["positive 0.87  0  Acme", "rejected       0  Acme  no_text: the tweet has no text"]
    assert [line.split()[2] for line in shown if line.startswith("positive")] == ["0", "1", "2"]
    assert len(shown) == 6


def test_several_entities_may_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    shown = shown_for(capsys, "Globex", "initech")
    assert [line.split()[2:4] for line in shown if line.startswith("positive")] == [["3", "Globex"], ["4", "Initech"]]


def test_json_shows_only_results_about_an_entity(capsys: pytest.CaptureFixture[str]) -> None:
    shown = [json.loads(line) for line in shown_for(capsys, "Globex", as_json=True)]
    assert [line["entity"] for line in shown] == ["Globex", "Globex"]


def test_a_result_that_is_no_object_is_about_no_entity(capsys: pytest.CaptureFixture[str]) -> None:
    viewer = Viewer(load_settings(), ["Acme"])
    for content in (b"[]", b"3", b'{"entity":3}'):
        viewer.show_json(message("tweets/polarity", content))
    assert capsys.readouterr().out == ""


def test_a_label_says_if_the_model_did_not_read_its_entity() -> None:
    assert shown_label(entity="Acme", entity_used=False) == "positive 0.87  7  Acme (of the whole tweet)"


def test_each_label_of_a_tweet_shows_its_text(viewer: Viewer, capsys: pytest.CaptureFixture[str]) -> None:
    viewer.show(message("tweets/in", {"id": "7", "text": "what a day"}))
    for entity in ("Acme", "Globex"):
        viewer.show(message("tweets/polarity", LABEL | {"entity": entity}))
    assert capsys.readouterr().out.splitlines() == [
        "positive 0.87  7  Acme  what a day",
        "positive 0.87  7  Globex  what a day",
    ]
