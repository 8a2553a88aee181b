"""Every message of a running node is one that the AsyncAPI document describes."""

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.mqtt.packets import Headers, Message
from stream.settings import Settings
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for, write_config
from tests.integration.program import finished
from tests.unit.asyncapi.validation import Messages

pytestmark = pytest.mark.broker
PARENT = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
TWEETS: tuple[tuple[bytes, Headers | None], ...] = (
    (b'{"id":"1","text":"I love Acme","lang":"en","entity":"Acme"}', None),
    (b'{"id":"2","text":"a dull day"}', Headers(None, (PARENT, ("tracestate", "a=1")))),
    (b'{"id":"3","text":"Acme again, how nice"}', None),
    (
        b'{"specversion":"1.0","id":"e","source":"s","type":"t","data_base64":"'
        + base64.b64encode(b'{"id":"4","text":"a"}')
        + b'"}',
        Headers("application/cloudevents+json"),
    ),
    (b"no JSON", None),
    (b'{"id":"5"}', Headers(None, (PARENT,))),
)


def settings_of(port: int, **labels: Any) -> Settings:
    return settings_for(
        port,
        broker={"group": "fleet"},
        labels=labels,
        home_assistant={"enabled": True},
        entities=[{"name": "Acme", "topic": "acme/labels"}],
    )


def parsed(message: Message, content_type: str) -> object:
    return message.payload.decode() if content_type == "text/plain" else orjson.loads(message.payload)


def faults_of(message: Message, described: Messages) -> list[str]:
    """Return why a message is none of those that its topic has; nothing if it is one."""
    found = []
    for name in described.names_for(message.topic):
        content_type = described.components["messages"][name]["contentType"]
        try:
            payload = parsed(message, content_type)
        except ValueError as error:
            found.append(f"{name}: {error}")
            continue
        headers = message.headers or Headers()
        faults = described.faults(name, payload) + described.header_faults(name, dict(headers.user_properties))
        if headers.content_type not in (None, content_type):
            faults.append(f"it is {headers.content_type}, not {content_type}")
        if not faults:
            return []
        found += [f"{name}: {fault}" for fault in faults]
    return found or ["no channel has this topic"]


@pytest.mark.parametrize("kind", ["json", "cloudevents", "cloudevents-binary"])
async def test_every_message_of_a_node_is_described(broker: Mosquitto, tmp_path: Path, kind: str) -> None:
    settings = settings_of(broker.port, format=kind, include_text=kind == "json")
    own = ("starling/#", "replies/#", "acme/#", "homeassistant/#")
    async with probing(settings, *own) as probe:
        async with serving(settings):
            for payload, headers in TWEETS:
                await probe.send(payload, response_topic="replies/me", headers=headers)
            await probe.until(lambda: len(probe.on("replies/me")) == len(TWEETS))
            await probe.until(lambda: probe.on("starling/test/state"))
        config = write_config(tmp_path, settings.model_copy(update={"entities": []}), http_port=0)
        code, output, _ = await finished("check", "--config", config)
        assert code == 0, output
        messages = [message for message in probe.messages if message.payload]
    topics = {message.topic for message in messages}
    node_topics = {f"starling/test/{name}" for name in ("status", "group", "subscriptions", "tweets", "check", "state")}
    assert topics >= node_topics | {settings.topics.labels, settings.topics.rejected, "acme/labels"}
    described = Messages(settings)
    replies = [message._replace(topic=_result_topic(message, settings)) for message in probe.on("replies/me")]
    others = [message for message in messages if not message.topic.startswith("replies/")]
    faults = {(each.topic, each.payload): faults_of(each, described) for each in others + replies}
    assert {message: found for message, found in faults.items() if found} == {}


def _result_topic(reply: Message, settings: Settings) -> str:
    return settings.topics.labels if b'"polarity"' in reply.payload else settings.topics.rejected
