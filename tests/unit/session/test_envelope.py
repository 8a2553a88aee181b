"""The form in which results are published."""

from typing import Any

import orjson
import pytest

from stream.mqtt.packets import Headers, Message
from stream.session.envelope import Envelope
from stream.settings import Settings
from stream.tweets.decoding import decode_tweet
from stream.tweets.shapes.cloud_events import binary_attributes

LABEL = orjson.dumps({"id": "7", "polarity": "positive", "classified_at": "2026-01-01T00:00:00Z"})
TRACE = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
SOURCE = Message("tweets/in", b'{"id":"7"}')
TRACED = SOURCE._replace(headers=Headers(None, (TRACE,)))


def envelope(kind: str) -> Envelope:
    settings: dict[str, Any] = {"node": "pi-1", "labels": {"format": kind}}
    return Envelope(Settings(**settings))


def test_a_plain_result_is_published_as_it_is() -> None:
    assert not envelope("json").changes(SOURCE)
    assert envelope("json").enclose(LABEL, SOURCE, version_5=True) == (LABEL, None)


@pytest.mark.parametrize("kind", ["json", "cloudevents", "cloudevents-binary"])
def test_the_trace_is_carried_on_in_user_properties_beside_those_of_the_event(kind: str) -> None:
    headers = envelope(kind).enclose(LABEL, TRACED, version_5=True).headers
    assert headers
    assert headers.user_properties[-1] == TRACE
    plain = envelope(kind).enclose(LABEL, SOURCE, version_5=True).headers or Headers()
    assert headers.content_type == plain.content_type
    assert len(headers.user_properties) == len(plain.user_properties) + 1


def test_an_event_in_structured_mode_has_the_content_type_of_events() -> None:
    payload, headers = envelope("cloudevents").enclose(LABEL, SOURCE, version_5=True)
    assert headers == Headers("application/cloudevents+json; charset=utf-8")
    event = orjson.loads(payload)
    assert (event["source"], event["subject"], event["data"]) == ("/starling/nodes/pi-1", "7", orjson.loads(LABEL))


def test_an_event_in_binary_mode_has_its_attributes_in_user_properties() -> None:
    payload, headers = envelope("cloudevents-binary").enclose(LABEL, SOURCE, version_5=True)
    assert payload == LABEL
    assert headers
    assert headers.content_type == "application/json"
    assert "datacontenttype" not in dict(headers.user_properties)  # it is the content type itself
    attributes = binary_attributes(*headers)
    structured = orjson.loads(envelope("cloudevents").enclose(LABEL, SOURCE, version_5=True).payload)
    assert structured == {**(attributes or {}), "datacontenttype": "application/json", "data": orjson.loads(LABEL)}


@pytest.mark.parametrize("kind", ["cloudevents", "cloudevents-binary"])
def test_an_event_over_a_version_without_properties_is_in_structured_mode(kind: str) -> None:
    event = orjson.loads(envelope(kind).enclose(LABEL, TRACED, version_5=False).payload)
    assert event["data"] == orjson.loads(LABEL)


def test_the_same_message_has_the_same_event_id_each_time() -> None:
    again = SOURCE._replace(duplicate=True, packet_id=9)
    first, second = (envelope("cloudevents").enclose(LABEL, each, version_5=True) for each in (SOURCE, again))
    assert first == second


def test_a_message_with_other_properties_or_another_payload_has_another_event_id() -> None:
    others = [SOURCE._replace(headers=Headers(None, (("entity", name),))) for name in ("Acme", "Bolt")]
    others += [one._replace(payload=b'{"id":"8"}') for one in others]
    ids = [
        orjson.loads(envelope("cloudevents").enclose(LABEL, each, version_5=True).payload)["id"]
        for each in (SOURCE, *others)
    ]
    assert len(set(ids)) == len(ids)


def test_the_nodes_of_a_group_are_one_source_of_events() -> None:
    settings: dict[str, Any] = {"node": "pi-1", "broker": {"group": "living"}, "labels": {"format": "cloudevents"}}
    event = orjson.loads(Envelope(Settings(**settings)).enclose(LABEL, SOURCE, version_5=True).payload)
    assert event["source"] == "/starling/groups/living"


def test_an_event_of_a_tweet_can_be_decoded_from_both_modes() -> None:
    settings = Settings()
    for kind in ("cloudevents", "cloudevents-binary"):
        label = orjson.dumps({"id": "7", "text": "good", "polarity": "positive", "classified_at": "x"})
        payload, headers = envelope(kind).enclose(label, SOURCE, version_5=True)
        assert decode_tweet(payload, settings.limits, *(headers or ())).text == "good"
