"""Labels and rejections as CloudEvents."""

import orjson
import pytest

from stream.tweets.label_events import event_attributes, event_source, result_in, structured
from stream.tweets.labels import Label, LabelEncoder, ModelIdentity
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet

ENCODER = LabelEncoder("pi-1", ModelIdentity("tiny", "float32", "0" * 64))
SOURCE = event_source("pi-1", None)
PAYLOAD = b'{"id":"7","text":"good"}'


def label(tweet_id: str = "7", entity: str | None = None, classified_at: float = 1.5) -> bytes:
    probabilities = {"negative": 0.125, "neutral": 0.25, "positive": 0.625}
    return ENCODER.label(Label(Tweet(tweet_id, "good", entity), "positive", probabilities), 0.5, classified_at)  # type: ignore[arg-type]  # the keys are polarities


REJECTION = ENCODER.rejection(RejectedTweetError(Reason.NOT_JSON, "not JSON"), b"{", 0.5)


def test_a_label_has_the_attributes_of_an_event() -> None:
    attributes = event_attributes(label(), SOURCE, PAYLOAD)
    assert attributes == {
        "specversion": "1.0",
        "id": attributes["id"],
        "source": "/starling/nodes/pi-1",
        "type": "io.github.starling-edge.tweet.labelled.v1",
        "subject": "7",
        "time": "1970-01-01T00:00:01.500000Z",
        "datacontenttype": "application/json",
        "dataschema": attributes["dataschema"],
    }
    assert attributes["dataschema"].endswith("/docs/asyncapi.yaml#/components/schemas/LabelMessage")


def test_a_rejection_has_a_type_and_a_schema_of_its_own_and_no_subject_without_an_id() -> None:
    attributes = event_attributes(REJECTION, SOURCE, b"{")
    assert attributes["type"] == "io.github.starling-edge.tweet.rejected.v1"
    assert attributes["time"] == "1970-01-01T00:00:00.500000Z"
    assert attributes["dataschema"].endswith("/RejectionMessage")
    assert "subject" not in attributes


def test_a_tweet_that_is_labelled_again_has_the_same_event_id() -> None:
    first = event_attributes(label(classified_at=1.5), SOURCE, PAYLOAD)
    assert event_attributes(label(classified_at=2.5), SOURCE, PAYLOAD)["id"] == first["id"]


def test_another_message_or_another_entity_has_another_event_id() -> None:
    ids = {
        event_attributes(label(), SOURCE, PAYLOAD)["id"],
        event_attributes(label(), SOURCE, PAYLOAD + b" ")["id"],
        event_attributes(label(), SOURCE, PAYLOAD, b"[]")["id"],
        event_attributes(label(), SOURCE, PAYLOAD + b"[]")["id"],
        event_attributes(label(entity="Acme"), SOURCE, PAYLOAD)["id"],
    }
    assert len(ids) == 5


@pytest.mark.parametrize("tweet_id", ["a\x00b", "a\nb", "a\ufeffb", "\ufdd0", "\x85"])
def test_an_id_with_characters_that_events_do_not_allow_is_no_subject(tweet_id: str) -> None:
    assert "subject" not in event_attributes(label(tweet_id), SOURCE, PAYLOAD)


def test_the_source_is_the_group_where_nodes_share_the_tweets() -> None:
    assert event_source("pi-1", "fleet") == event_source("pi-2", "fleet") == "/starling/groups/fleet"
    assert event_source("pi küche", None) == "/starling/nodes/pi%20k%C3%BCche"


@pytest.mark.parametrize("result", [label(), REJECTION])
def test_an_event_in_structured_mode_has_the_result_as_its_data(result: bytes) -> None:
    attributes = event_attributes(result, SOURCE, PAYLOAD)
    event = structured(attributes, result)
    assert orjson.loads(event) == attributes | {"data": orjson.loads(result)}
    assert orjson.loads(result_in(event)) == orjson.loads(result)


@pytest.mark.parametrize(
    "payload", [label(), b"", b"text", b'{"specversion"', b'["specversion"]', b'{"specversion":"1.0","data":7}']
)
def test_a_message_that_is_no_event_is_its_own_result(payload: bytes) -> None:
    assert result_in(payload) == payload
