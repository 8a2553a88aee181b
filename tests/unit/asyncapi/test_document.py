"""The AsyncAPI document of all topics and messages."""

import inspect
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from stream import samples
from stream.asyncapi.document import asyncapi_document
from stream.asyncapi.schemas import schemas_of
from stream.asyncapi.tweets import SHAPES
from stream.asyncapi.yaml_text import yaml_text
from stream.feed.events import Deletion, Gap, Post
from stream.feed.messages import deletion_message, edit_message, gap_message, post_message
from stream.power.monitor import PowerMonitor
from stream.power.per_tweet import Work
from stream.session import topics
from stream.session.proof import proof_message
from stream.settings import LimitSettings, Settings
from stream.tweets.decoding import decode_tweet
from stream.tweets.rejections import RejectedTweetError
from tests.power.examples import Recorded, reading
from tests.unit.asyncapi.validation import Messages, document_faults
from tests.unit.tweets import test_shapes as examples

ROOT = Path(__file__).parents[3]
SETTINGS = Settings(node="pi-1")
OTHER: dict[str, Any] = {
    "node": "pi-1",
    "broker": {"host": "broker.local", "port": 8883, "tls": True, "protocol": "3.1.1"},
    "topics": {"tweets": ["a/in", "b/+/in"], "labels": "out", "rejected": "bad"},
    "entities": [{"name": "Acme", "topic": "acme/labels"}, {"name": "Umbra"}],
    "home_assistant": {"prefix": "ha"},
}


@pytest.mark.parametrize("settings", [SETTINGS, Settings(**OTHER)], ids=["default", "other"])
def test_the_document_is_valid(settings: Settings) -> None:
    assert document_faults(asyncapi_document(settings)) == []


def test_a_fault_of_the_document_is_found() -> None:
    document = asyncapi_document(SETTINGS)
    document["operations"]["sendLabel"]["action"] = "publish"
    assert document_faults(document)


def test_the_file_in_the_documents_is_the_one_that_the_code_makes() -> None:
    written = (ROOT / "docs/asyncapi.yaml").read_text(encoding="utf-8")
    assert written == yaml_text(asyncapi_document(Settings())), "run make asyncapi"


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        return [inner if key == "$ref" else found for key, inner in part.items() for found in references(inner) or [""]]
    return [found for inner in part for found in references(inner)] if isinstance(part, list) else []


def test_every_reference_leads_to_something() -> None:
    document = asyncapi_document(Settings(**OTHER))
    found = {each for each in references(document) if each}
    assert len(found) > 50
    for each in found:
        place: Any = document
        for part in each.removeprefix("#/").split("/"):
            place = place[part]


def test_every_topic_of_the_nodes_is_described() -> None:
    functions = [function for name, function in inspect.getmembers(topics, inspect.isfunction) if "topic" in name]
    addresses = {channel["address"] for channel in asyncapi_document(SETTINGS)["channels"].values()}
    assert len(functions) > 5
    assert {function("{node}") for function in functions} <= addresses


def test_every_message_is_in_a_channel_and_every_channel_is_used() -> None:
    document = asyncapi_document(Settings(**OTHER))
    used = {name for channel in document["channels"].values() for name in channel["messages"]}
    assert used == document["components"]["messages"].keys()
    channels = {operation["channel"]["$ref"] for operation in document["operations"].values()}
    assert channels == {f"#/channels/{name}" for name in document["channels"] if name != "replies"}


def test_the_topics_are_those_of_the_settings() -> None:
    document = asyncapi_document(Settings(**OTHER))
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert {"a/in", "b/+/in", "out", "bad", "acme/labels", "ha/device/{device}/config"} <= addresses
    server = document["servers"]["broker"]
    assert (server["host"], server["protocol"], server["protocolVersion"]) == (
        "broker.local:8883",
        "secure-mqtt",
        "3.1.1",
    )


def test_every_field_of_the_nodes_messages_has_a_description() -> None:
    schemas = asyncapi_document(SETTINGS)["components"]["schemas"]
    missing = [
        f"{name}.{key}"
        for name, schema in schemas.items()
        for key, field in schema.get("properties", {}).items()
        if not field.get("description")
    ]
    assert missing == []
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []


def samples_that_are_labelled() -> list[object]:
    found = []
    for line in (Path(next(iter(samples.__path__))) / "tweets.jsonl").read_bytes().splitlines():
        try:
            decode_tweet(line, LimitSettings())
        except RejectedTweetError:
            continue
        found.append(orjson.loads(line))
    return found


MESSAGES, LENIENT = Messages(SETTINGS), Messages(SETTINGS, strict=False)
SHAPES_OF_TESTS = {
    "v2": {"id": 7, "text": "a"},
    "wrapped v2": {"data": examples.V2_RETWEET, "includes": examples.included(text="a"), "entity": "Acme"},
    "v1.1": {"id_str": "7", "full_text": "a"},
    "archive": {"tweet": {"id_str": "7", "full_text": "a"}},
    "Jetstream": examples.COMMIT,
    "Jetstream 2": {"$type": "#commit", "did": examples.DID} | examples.COMMIT_FIELDS,
    "Bluesky": {"uri": examples.URI, "record": examples.RECORD},
    "Bluesky feed": {"post": {"uri": examples.URI, "record": examples.RECORD}},
    "Mastodon": examples.STATUS,
    "Mastodon event": {"event": "update", "payload": orjson.dumps(examples.STATUS).decode()},
    "CloudEvents": examples.EVENT | {"data": {"id": "7", "text": "a"}},
}


def test_each_sample_that_is_labelled_is_valid() -> None:
    found = samples_that_are_labelled()
    assert len(found) > 100
    assert [sample for sample in found if LENIENT.faults("tweet", sample)] == []


@pytest.mark.parametrize("tweet", SHAPES_OF_TESTS.values(), ids=SHAPES_OF_TESTS)
def test_each_shape_that_is_labelled_is_valid(tweet: dict[str, Any]) -> None:
    assert decode_tweet(orjson.dumps(tweet), LimitSettings())
    assert LENIENT.faults("tweet", tweet) == []


@pytest.mark.parametrize("tweet", [{}, {"id": "7"}, {"id": ["7"], "text": "a"}, {"text": "a"}, [], None, "a"])
def test_a_message_of_no_shape_is_not_valid(tweet: object) -> None:
    assert LENIENT.faults("tweet", tweet)


def test_each_shape_has_a_schema_of_its_own() -> None:
    assert schemas_of(SHAPES).keys() >= {shape.__name__ for shape in SHAPES}


@pytest.mark.parametrize("with_reading", [True, False])
def test_energy_messages_are_valid(*, with_reading: bool) -> None:
    monitor = PowerMonitor(Recorded([]), lambda: Work(1, 1, 0), 60)
    if with_reading:
        monitor.add(reading(3.5, noise=0.1))
    assert MESSAGES.faults("energy", orjson.loads(orjson.dumps(monitor.summary()))) == []


def test_a_proof_is_valid() -> None:
    assert MESSAGES.faults("proof", orjson.loads(proof_message())) == []


POST = Post("1", "a", None, at=1.0, languages=("en",), entity="Acme", author="did:plc:a", replaces=("0",))
BARE = Post("1", "a", None)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("post", post_message(POST, "bluesky")),
        ("post", post_message(BARE, "bluesky")),
        ("edit", edit_message(POST, "bluesky")),
        ("edit", edit_message(BARE, "bluesky")),
        ("deletion", deletion_message(Deletion("1", None, 1.0), "bluesky")),
        ("deletion", deletion_message(Deletion("1", None), "bluesky")),
        ("gap", gap_message(Gap("too old", 3.0, 1.0), "bluesky")),
        ("gap", gap_message(Gap("too old", None), "bluesky")),
    ],
)
def test_messages_of_the_feeder_are_valid(name: str, payload: bytes) -> None:
    assert MESSAGES.faults(name, orjson.loads(payload)) == []


def test_a_field_that_is_not_described_is_found() -> None:
    assert MESSAGES.faults("proof", {"starling_proof": "a", "other": 1})
    assert MESSAGES.faults("proof", {})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@example([1e-05, 1e16, 1.5e300, -0.0, 3.0])
@given(JSON_VALUES)
def test_yaml_is_read_as_it_was_written(value: Any) -> None:
    assert yaml.safe_load(yaml_text(value)) == value


@pytest.mark.parametrize(
    "text", ["null", "No", "1.5", "", "- a", "a: b", "a #b", "1e3", "~", "2026-01-01", "a\nb", "\x85"]
)
def test_text_that_yaml_would_take_for_something_else_is_quoted(text: str) -> None:
    assert yaml.safe_load(yaml_text({"key": text, text: [text]})) == {"key": text, text: [text]}
