"""The AsyncAPI document: servers, channels, operations and messages.

https://www.asyncapi.com/docs/reference/specification/v3.0.0, with version 0.2.0 of the bindings for MQTT.
"""

from typing import Any, Final, NamedTuple

from stream import __version__
from stream.asyncapi.schemas import Schema, reference, schemas_of
from stream.asyncapi.tweets import SHAPES
from stream.feed.messages import DeletionMessage, EditMessage, GapMessage, PostMessage
from stream.home_assistant.discovery import DiscoveryMessage
from stream.home_assistant.state import NodeState
from stream.power.monitor import EnergyMessage
from stream.session.group import GroupMessage
from stream.session.proof import ProofMessage
from stream.session.topics import (
    OFFLINE,
    ONLINE,
    check_topic,
    energy_topic,
    group_topic,
    node_tweets_topic,
    state_topic,
    status_topic,
    subscriptions_topic,
)
from stream.session.trace_context import TRACEPARENT, TRACESTATE
from stream.settings import Settings
from stream.tweets.label_events import EventAttributes, LabelEvent, RejectionEvent
from stream.tweets.labels import LabelMessage, RejectionMessage
from stream.tweets.shapes.cloud_events import MEDIA_TYPE

_JSON, _TEXT = "application/json", "text/plain"
_EVENT_JSON = f"{MEDIA_TYPE}; charset=utf-8"
_TYPES = (
    *SHAPES,
    LabelMessage,
    RejectionMessage,
    LabelEvent,
    RejectionEvent,
    GroupMessage,
    ProofMessage,
    EnergyMessage,
    NodeState,
    DiscoveryMessage,
    PostMessage,
    EditMessage,
    DeletionMessage,
    GapMessage,
)
_DESCRIPTION = (
    "Starling labels tweets with their polarity on the device that receives them. A node receives tweets from an MQTT "
    "broker and publishes a label or a rejection for each. All messages are published at QoS 1."
)
_NODE_PARAMETER: Final = {"node": {"description": "Name of the node: `node` in its settings."}}


class _Message(NamedTuple):
    """A message, by its name in the document."""

    summary: str
    payload: Schema
    content_type: str = _JSON
    traced: bool = False
    """True if the user properties of a trace may be on it."""
    event: bool = False
    """True if it has the attributes of an event as user properties."""


class _Channel(NamedTuple):
    """A topic, by its name in the document."""

    address: str | None
    description: str
    messages: tuple[str, ...]
    parameters: dict[str, Any] | None = None


class _Operation(NamedTuple):
    """A use of a topic by the service, by its name in the document."""

    action: str
    channel: str
    summary: str
    retain: bool = False


_MESSAGES: Final[dict[str, _Message]] = {
    "tweet": _Message(
        "A post in one of the shapes that the service reads, or a CloudEvents message in binary mode.",
        {"anyOf": [reference(shape) for shape in SHAPES]},
        traced=True,
    ),
    "label": _Message("The polarity of one tweet.", reference(LabelMessage), traced=True),
    "labelEvent": _Message(
        'The label as a CloudEvents message in structured mode (`labels.format = "cloudevents"`).',
        reference(LabelEvent),
        _EVENT_JSON,
        traced=True,
    ),
    "labelEventBinary": _Message(
        'The label as a CloudEvents message in binary mode (`labels.format = "cloudevents-binary"`).',
        reference(LabelMessage),
        traced=True,
        event=True,
    ),
    "rejection": _Message("The reason why a message got no label.", reference(RejectionMessage), traced=True),
    "rejectionEvent": _Message(
        "The rejection as a CloudEvents message in structured mode.",
        reference(RejectionEvent),
        _EVENT_JSON,
        traced=True,
    ),
    "rejectionEventBinary": _Message(
        "The rejection as a CloudEvents message in binary mode.",
        reference(RejectionMessage),
        traced=True,
        event=True,
    ),
    "status": _Message(
        "Whether a node is connected; `offline` is also the node's will.",
        {"type": "string", "enum": [ONLINE, OFFLINE]},
        _TEXT,
    ),
    "groupState": _Message("Whether a node keeps up with its share of its group's tweets.", reference(GroupMessage)),
    "subscriptions": _Message(
        "The topic filters that a node has subscribed to, which it ends when its settings no longer name them.",
        {"type": "array", "items": {"type": "string", "minLength": 1}},
    ),
    "subscriptionsMarker": _Message(
        "A message that follows the retained one, so that the node knows when it has read it.",
        {"type": "string", "const": "read"},
        _TEXT,
    ),
    "proof": _Message(
        "A message that a node sends to itself, to prove that tweets can arrive; it gets no label.",
        reference(ProofMessage),
    ),
    "check": _Message(
        "A message that `starling check` sends to itself.",
        {"type": "string", "const": "check"},
        _TEXT,
    ),
    "energy": _Message("A node's power consumption and energy per tweet.", reference(EnergyMessage)),
    "nodeState": _Message("A node's numbers for home automation.", reference(NodeState)),
    "discovery": _Message("The description of a node for Home Assistant.", reference(DiscoveryMessage)),
    "post": _Message("A post of a public stream.", reference(PostMessage)),
    "edit": _Message("The new version of a post.", reference(EditMessage)),
    "deletion": _Message("The deletion of a post.", reference(DeletionMessage)),
    "gap": _Message("A time whose posts cannot be had.", reference(GapMessage)),
}
_LABELS: Final = ("label", "labelEvent", "labelEventBinary")
_REJECTIONS: Final = ("rejection", "rejectionEvent", "rejectionEventBinary")


def asyncapi_document(settings: Settings) -> dict[str, Any]:
    """Return the AsyncAPI document of a node and a feeder with these settings, of JSON's types."""
    channels = _channels(settings)
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": _JSON,
        "servers": {"broker": _server(settings)},
        "channels": {name: _channel(channel) for name, channel in channels.items()},
        "operations": {
            name: _operation(operation, channels[operation.channel])
            for name, operation in _operations(channels).items()
        },
        "components": {
            "schemas": schemas_of(_TYPES),
            "messages": {name: _message(name, message) for name, message in _MESSAGES.items()},
        },
    }


def _info() -> dict[str, Any]:
    return {
        "title": "Starling",
        "version": __version__,
        "description": _DESCRIPTION,
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        "externalDocs": {"url": "https://github.com/starling-edge/starling/blob/main/docs/messages.md"},
    }


def _server(settings: Settings) -> dict[str, Any]:
    broker = settings.broker
    return {
        "host": f"{broker.host}:{broker.port}",
        "protocol": "secure-mqtt" if broker.tls else "mqtt",
        "protocolVersion": "5" if broker.protocol == "auto" else broker.protocol,
        "description": "The MQTT broker. MQTT 3.1.1 works as well, without properties.",
        "bindings": {
            "mqtt": {
                "clientId": "starling-{node}",
                "cleanSession": False,
                "keepAlive": broker.keepalive_seconds,
                "sessionExpiryInterval": broker.session_expiry_seconds,
                "lastWill": {"topic": status_topic("{node}"), "qos": 1, "message": OFFLINE, "retain": True},
                "bindingVersion": "0.2.0",
            }
        },
    }


def _channels(settings: Settings) -> dict[str, _Channel]:
    topics = settings.topics
    node, of_node = "{node}", _NODE_PARAMETER
    numbered = enumerate(topics.tweet_topics)
    tweets = {
        f"tweets{number or ''}": _Channel(topic, "Tweets to be labelled.", ("tweet",)) for number, topic in numbered
    }
    entities = {
        f"labelsOfEntity{number}": _Channel(entity.topic, f"Labels that concern {entity.name}.", _LABELS)
        for number, entity in enumerate(settings.entities)
        if entity.topic is not None
    }
    return {
        **tweets,
        "nodeTweets": _Channel(
            node_tweets_topic(node), "Tweets to be labelled by one node.", ("tweet", "proof"), of_node
        ),
        "labels": _Channel(topics.labels, "Labels, never retained.", _LABELS),
        **entities,
        "rejected": _Channel(topics.rejected, "Rejections, never retained.", _REJECTIONS),
        "replies": _Channel(
            None,
            "The response topic of a tweet (MQTT 5), if it begins with one of "
            f"{', '.join(topics.response_prefixes)}; its result is published there as well.",
            (*_LABELS, *_REJECTIONS),
        ),
        "status": _Channel(status_topic(node), "Presence of a node, retained.", ("status",), of_node),
        "group": _Channel(
            group_topic(node), "Part of a node in its group (`broker.group`), retained.", ("groupState",), of_node
        ),
        "subscriptions": _Channel(
            subscriptions_topic(node),
            "Memory of a node, retained.",
            ("subscriptions", "subscriptionsMarker"),
            of_node,
        ),
        "check": _Channel(check_topic(node), "Messages of `starling check`.", ("check", "proof"), of_node),
        "energy": _Channel(
            energy_topic(node),
            "Power of a node, each second, retained; deleted when the node disconnects.",
            ("energy",),
            of_node,
        ),
        "state": _Channel(
            state_topic(node),
            "Numbers of a node, retained; only with `home_assistant.enabled`.",
            ("nodeState",),
            of_node,
        ),
        "homeAssistant": _Channel(
            f"{settings.home_assistant.prefix}/device/{{device}}/config",
            "Description of a node for Home Assistant, retained; only with `home_assistant.enabled`.",
            ("discovery",),
            {
                "device": {
                    "description": "`starling_` and the node's name; other characters than [a-zA-Z0-9_-] become _"
                }
            },
        ),
        "feed": _Channel(topics.tweet_topics[0], "Posts of `starling feed`.", ("post",)),
        "changes": _Channel(
            settings.feed.changes_topic,
            "Edits and deletions of posts that `starling feed` has published, and gaps.",
            ("edit", "deletion", "gap"),
        ),
    }


def _operations(channels: dict[str, _Channel]) -> dict[str, _Operation]:
    tweets = [name for name in channels if name.startswith("tweets")]
    entities = [name for name in channels if name.startswith("labelsOfEntity")]
    return {
        **{f"receive{_capital(name)}": _Operation("receive", name, "Receive tweets.") for name in tweets},
        "receiveNodeTweets": _Operation("receive", "nodeTweets", "Receive tweets for this node alone."),
        "proveReading": _Operation("send", "nodeTweets", "Prove that tweets can arrive."),
        "sendLabel": _Operation("send", "labels", "Publish the label of a tweet."),
        **{f"send{_capital(name)}": _Operation("send", name, "Publish the labels of an entity.") for name in entities},
        "sendRejection": _Operation("send", "rejected", "Publish the rejection of a message."),
        "sendStatus": _Operation("send", "status", "Publish the node's presence.", retain=True),
        "receiveStatus": _Operation("receive", "status", "Follow the presence of the nodes of the group."),
        "sendGroupState": _Operation("send", "group", "Publish whether the node keeps up.", retain=True),
        "receiveGroupState": _Operation("receive", "group", "Follow whether the nodes of the group keep up."),
        "sendSubscriptions": _Operation("send", "subscriptions", "Remember the subscriptions.", retain=True),
        "receiveSubscriptions": _Operation("receive", "subscriptions", "Read the subscriptions of former settings."),
        "sendCheck": _Operation("send", "check", "Test the broker (`starling check`)."),
        "sendEnergy": _Operation("send", "energy", "Publish the node's power.", retain=True),
        "sendState": _Operation("send", "state", "Publish the node's numbers.", retain=True),
        "sendDiscovery": _Operation("send", "homeAssistant", "Describe the node for Home Assistant.", retain=True),
        "sendPost": _Operation("send", "feed", "Publish a post (`starling feed`)."),
        "sendChange": _Operation("send", "changes", "Publish a change of a post, or a gap (`starling feed`)."),
    }


def _channel(channel: _Channel) -> dict[str, Any]:
    described = {
        "address": channel.address,
        "description": channel.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in channel.messages},
    }
    return described | ({"parameters": channel.parameters} if channel.parameters else {})


def _operation(operation: _Operation, channel: _Channel) -> dict[str, Any]:
    """Return an operation; the messages of a reply are those of the channel of replies."""
    described: dict[str, Any] = {
        "action": operation.action,
        "channel": {"$ref": f"#/channels/{operation.channel}"},
        "summary": operation.summary,
        "bindings": {"mqtt": {"qos": 1, "retain": operation.retain, "bindingVersion": "0.2.0"}},
    }
    if operation.action == "receive" and "tweet" in channel.messages:
        described["messages"] = [{"$ref": f"#/channels/{operation.channel}/messages/tweet"}]
        described["reply"] = {
            "address": {
                "description": "The response topic of the tweet; without one there is no reply.",
                "location": "$message.header#/responseTopic",
            },
            "channel": {"$ref": "#/channels/replies"},
        }
    elif operation.channel == "nodeTweets":
        described["messages"] = [{"$ref": "#/channels/nodeTweets/messages/proof"}]
    return described


def _message(name: str, message: _Message) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": name,
        "summary": message.summary,
        "contentType": message.content_type,
        "payload": message.payload,
    }
    if message.traced or message.event:
        described["headers"] = _headers(message)
    if name == "tweet":
        described["bindings"] = {
            "mqtt": {
                "responseTopic": {"type": "string", "description": "Topic to which the result is published as well."},
                "correlationData": {"type": "string", "description": "Data that the reply repeats."},
                "bindingVersion": "0.2.0",
            }
        }
    return described


def _headers(message: _Message) -> Schema:
    """Return the schema of a message's user properties (MQTT 5)."""
    properties: dict[str, Schema] = {}
    required: list[str] = []
    if message.event:
        attributes = schemas_of((EventAttributes,))[EventAttributes.__name__]
        properties |= {name: field for name, field in attributes["properties"].items() if name != "datacontenttype"}
        required = [name for name in attributes["required"] if name != "datacontenttype"]
    if message.traced:
        properties[TRACEPARENT] = {"type": "string", "description": "Trace that the tweet belongs to (W3C)."}
        properties[TRACESTATE] = {"type": "string", "description": "State of the trace (W3C)."}
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
