"""The reason codes of MQTT 5 (2.4) and the return codes of MQTT 3.1.1 (3.2.2.3): a name and advice for each."""

from enum import IntEnum
from typing import Final, NamedTuple

FIRST_FAILURE: Final = 0x80
"""Codes from here on report a failure, in MQTT 5 and in MQTT 3.1.1's SUBACK."""


class Code(IntEnum):
    """The reason codes that the program itself looks for or sends."""

    SUCCESS = 0x00
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    NOT_AUTHORIZED = 0x87
    SERVER_BUSY = 0x89
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_NAME_INVALID = 0x90
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2


class Reason(NamedTuple):
    """A code's name in the standard, and what an operator can do about it."""

    name: str
    advice: str = ""


_LOGIN = "check broker.username and broker.password_file"
_RULES = "check the broker's access rules for this user"
_VERSION = "set broker.protocol to the version that the broker speaks"
_LOAD = "the broker refuses for lack of resources: check its load and its limits"
_LATER = "the broker is busy or shutting down: it is tried again"
_PEER = "the broker and this program disagree about the protocol: try the other broker.protocol, and report it"
_SIZE = "raise the broker's limit on the size of messages, or lower limits.payload_bytes"
_NAMES = "check the topics in [topics] and broker.group"
_MOVED = "set broker.host to the broker's new address"

_REASONS: Final = {
    0x00: Reason("Success"),
    0x04: Reason("Disconnect with will message"),
    0x10: Reason("No matching subscribers"),
    0x11: Reason("No subscription existed"),
    0x80: Reason("Unspecified error", "look into the broker's log"),
    0x81: Reason("Malformed packet", _PEER),
    0x82: Reason("Protocol error", _PEER),
    0x83: Reason("Implementation specific error", "look into the broker's log"),
    0x84: Reason("Unsupported protocol version", _VERSION),
    0x85: Reason("Client identifier not valid", "change `node`: the broker does not accept 'starling-' and this name"),
    0x86: Reason("Bad user name or password", _LOGIN),
    0x87: Reason("Not authorized", _RULES),
    0x88: Reason("Server unavailable", _LATER),
    0x89: Reason("Server busy", _LATER),
    0x8A: Reason("Banned", "the broker's operator has banned this client: ask them"),
    0x8B: Reason("Server shutting down", _LATER),
    0x8C: Reason("Bad authentication method", "the broker asks for enhanced authentication, which is not supported"),
    0x8D: Reason("Keep alive timeout", "the broker heard nothing in time: check the network, or raise "
                 "broker.keepalive_seconds"),
    0x8E: Reason("Session taken over", "another client has connected under the same name: each node needs its own"),
    0x8F: Reason("Topic filter invalid", _NAMES),
    0x90: Reason("Topic name invalid", _NAMES),
    0x91: Reason("Packet identifier in use", _PEER),
    0x92: Reason("Packet identifier not found", _PEER),
    0x93: Reason("Receive maximum exceeded", _PEER),
    0x94: Reason("Topic alias invalid", _PEER),
    0x95: Reason("Packet too large", _SIZE),
    0x96: Reason("Message rate too high", "raise the broker's limit on the rate of messages for this client"),
    0x97: Reason("Quota exceeded", "raise the broker's quota for this client, or make room in it"),
    0x98: Reason("Administrative action", "the broker's operator has ended the connection: ask them"),
    0x99: Reason("Payload format invalid", "the broker checks payloads and does not accept this one"),
    0x9A: Reason("Retain not supported", "the broker keeps no retained messages, which the nodes' status needs"),
    0x9B: Reason("QoS not supported", "the broker does not support QoS 1, which confirmed delivery needs"),
    0x9C: Reason("Use another server", _MOVED),
    0x9D: Reason("Server moved", _MOVED),
    0x9E: Reason("Shared subscriptions not supported", "the broker cannot share tweets in a group: leave out "
                 "broker.group"),
    0x9F: Reason("Connection rate exceeded", _LOAD),
    0xA0: Reason("Maximum connect time", "the broker limits the time of a connection"),
    0xA1: Reason("Subscription identifiers not supported", _PEER),
    0xA2: Reason("Wildcard subscriptions not supported", "use topics without wildcards"),
}  # fmt: skip

_RETURN_CODES: Final = {
    1: Reason("Unacceptable protocol version", _VERSION),
    2: Reason("Identifier rejected", "change `node`: the broker does not accept 'starling-' and this name"),
    3: Reason("Server unavailable", _LATER),
    4: Reason("Bad user name or password", _LOGIN),
    5: Reason("Not authorized", f"{_LOGIN}, and the broker's access rules"),
}
"""MQTT 3.1.1's CONNACK."""


def reason_name(code: int) -> str:
    """Return the name and the number of a reason code, also of one that the standard does not list."""
    reason = _REASONS.get(code)
    return f"{reason.name if reason else 'unknown reason'}, code {code}"


def reason_advice(code: int) -> str:
    """Return what to do about a reason code, empty where there is nothing to say."""
    return _REASONS.get(code, Reason("")).advice


def connect_reason_advice(code: int) -> str:
    """Return what to do about a reason code that refuses a connection; brokers use it for wrong passwords too."""
    return _RETURN_CODES[5].advice if code == Code.NOT_AUTHORIZED else reason_advice(code)


def return_code_name(code: int) -> str:
    """Return the name and the number of a return code of MQTT 3.1.1's CONNACK."""
    reason = _RETURN_CODES.get(code)
    return f"{reason.name if reason else 'unknown reason'}, code {code}"


def return_code_advice(code: int) -> str:
    """Return what to do about a return code of MQTT 3.1.1's CONNACK."""
    return _RETURN_CODES.get(code, Reason("")).advice
