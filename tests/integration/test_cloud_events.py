"""CloudEvents on the topics of tweets and labels, and the trace of a tweet, with a real broker."""

from typing import Any

import orjson
import pytest

from stream.mqtt.packets import Headers, Message
from stream.session.topics import node_tweets_topic
from stream.settings import Settings
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import Probe, probing, serving, settings_for, write_config
from tests.integration.program import finished

pytestmark = pytest.mark.broker
TRACE = (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("tracestate", "a=1,b=2"))
EVENT = (("specversion", "1.0"), ("type", "post.created"), ("source", "/feed"), ("id", "e1"), ("entity", "Acme"))
TWEET = b'{"id":"7","text":"what a lovely day"}'


def results_of(probe: Probe) -> list[Message]:
    return [message for message in probe.messages if message.topic.startswith(("tweets/", "replies/"))]


async def test_the_trace_of_a_tweet_is_on_its_label_its_rejection_and_its_replies(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    async with serving(settings), probing(settings, "replies/#") as probe:
        for payload in (TWEET, b"garbage"):
            await probe.send(payload, response_topic="replies/me", headers=Headers("text/plain", TRACE))
        await probe.until(lambda: len(results_of(probe)) == 4)
    assert {message.headers for message in results_of(probe)} == {Headers(None, TRACE)}


async def test_an_invalid_trace_is_not_carried_on(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    async with serving(settings), probing(settings) as probe:
        await probe.send(TWEET, headers=Headers(None, (("traceparent", TRACE[0][1].upper()), TRACE[1])))
        await probe.until(lambda: probe.labels)
    assert [message.headers for message in results_of(probe)] == [None]


async def test_an_event_in_binary_mode_is_labelled(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    async with serving(settings), probing(settings) as probe:
        await probe.send(TWEET, headers=Headers("application/json", EVENT))
        label = await probe.label_of("7")
        await probe.send(TWEET, headers=Headers("application/avro", EVENT))
        await probe.until(lambda: probe.rejections)
    assert label["entity"] == "Acme"
    assert probe.rejections[0]["reason"] == "unsupported"


async def events_of(settings: Settings, *tweets: bytes, **options: Any) -> list[Message]:
    """Send messages to a service and return its results."""
    async with serving(settings), probing(settings) as probe:
        for tweet in tweets:
            await probe.send(tweet, **options)
        await probe.until(lambda: len(results_of(probe)) == len(tweets))
        return results_of(probe)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("kind", ["cloudevents", "cloudevents-binary"])
async def test_labels_and_rejections_go_out_as_events(broker: Mosquitto, kind: str, protocol: str) -> None:
    settings = settings_for(broker.port, labels={"format": kind}, broker={"protocol": protocol, "group": "fleet"})
    messages = await events_of(settings, TWEET, b"garbage", headers=Headers(None, TRACE))
    by_type = {}
    for message in messages:
        if kind == "cloudevents" or protocol == "3.1.1":
            event = orjson.loads(message.payload)
            expected = Headers("application/cloudevents+json; charset=utf-8", TRACE) if protocol == "5" else None
            assert message.headers == expected
        else:
            assert message.headers
            assert message.headers.content_type == "application/json"
            event = dict(message.headers.user_properties) | {"data": orjson.loads(message.payload)}
            assert {name: event.pop(name) for name, _ in TRACE} == dict(TRACE)
        by_type[event["type"].split(".")[-2]] = event
    label, rejection = by_type["labelled"], by_type["rejected"]
    assert (label["subject"], label["data"]["id"], label["data"]["node"]) == ("7", "7", "test")
    assert label["time"] == label["data"]["classified_at"]
    assert (rejection["data"]["reason"], "subject" in rejection) == ("not_json", False)
    assert {label["source"], rejection["source"]} == {"/starling/groups/fleet"}


async def test_a_tweet_that_another_node_of_the_group_labels_again_has_the_same_event(broker: Mosquitto) -> None:
    events = []
    for node in ("pi-1", "pi-2"):
        settings = settings_for(broker.port, node=node, labels={"format": "cloudevents"}, broker={"group": "fleet"})
        # On the node's own topic: the members that stopped may still have a share of the group's.
        async with serving(settings), probing(settings) as probe:
            await probe.client.publish_confirmed(node_tweets_topic(node), TWEET)
            await probe.until(lambda: len(results_of(probe)) == 1)
            [message] = results_of(probe)
        events.append(orjson.loads(message.payload))
    assert [event["data"]["node"] for event in events] == ["pi-1", "pi-2"]
    assert (events[0]["source"], events[0]["id"]) == (events[1]["source"], events[1]["id"])


async def test_a_node_that_publishes_events_answers_the_probe(broker: Mosquitto, tmp_path: Any) -> None:
    settings = settings_for(broker.port, labels={"format": "cloudevents"})
    config = write_config(tmp_path, settings, http_port=0)
    async with serving(settings):
        code, output, _ = await finished("probe", "--config", config)
    assert (code, output) == (0, "test called a cheerful tweet positive and a gloomy tweet negative\n")
