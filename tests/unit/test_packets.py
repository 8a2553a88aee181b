"""What stream.packets lets through of a message's properties."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from paho.mqtt._packet import decode_publish
from paho.mqtt.client import MQTTMessage, MQTTv5
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers

from stream.packets import response_properties, with_request_properties_only

TOPIC = b"tweets/in"
PAYLOAD = b'{"id":"1","text":"a"}'
RESPONSE_TOPIC = b"\x08\x00\x09replies/a"
CORRELATION = b"\x09\x00\x0242"
USER_PROPERTY = b"\x26\x00\x01k\x00\x01v"
BYTE_ORDER_MARK = b"\x26\x00\x03\xef\xbb\xbf\x00\x00"


def packet(properties: bytes, qos: int = 1) -> bytearray:
    identifier = b"\x00\x07" if qos else b""
    length = VariableByteIntegers.encode(len(properties))  # type: ignore[no-untyped-call]
    return bytearray(len(TOPIC).to_bytes(2) + TOPIC + identifier + length + properties + PAYLOAD)


def properties_left(properties: bytes, qos: int = 1) -> dict[str, Any]:
    """What paho reads of the packet that is let through; its topic and its payload must be as they were."""
    read = decode_publish(qos << 1, with_request_properties_only(packet(properties, qos), qos), MQTTv5)
    assert (read.topic, read.payload, read.mid) == (TOPIC, PAYLOAD, 7 if qos else 0)
    assert read.properties is not None
    return dict(read.properties.json())  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("qos", [0, 1])
def test_a_response_topic_and_correlation_data_are_let_through(qos: int) -> None:
    left = properties_left(RESPONSE_TOPIC + CORRELATION, qos)
    assert left == {"ResponseTopic": "replies/a", "CorrelationData": b"42".hex()}


@pytest.mark.parametrize("qos", [0, 1])
def test_a_packet_without_properties_stays_as_it_is(qos: int) -> None:
    assert with_request_properties_only(packet(b"", qos), qos) == packet(b"", qos)


def test_properties_of_other_kinds_are_taken_out() -> None:
    other = USER_PROPERTY + b"\x01\x01" + b"\x02\x00\x00\x00\x09" + b"\x03\x00\x01t"
    assert properties_left(other + RESPONSE_TOPIC) == {"ResponseTopic": "replies/a"}


def test_more_properties_than_anybody_needs_are_not_even_read() -> None:
    assert properties_left(RESPONSE_TOPIC + USER_PROPERTY * 300) == {}


def test_a_property_that_paho_cannot_read_costs_those_after_it() -> None:
    assert properties_left(RESPONSE_TOPIC + BYTE_ORDER_MARK + CORRELATION) == {"ResponseTopic": "replies/a"}


@given(st.binary(max_size=100) | st.binary(min_size=2000, max_size=2100), st.sampled_from([0, 1]))
@example(b"\x08\x00\x03\xef\xbb\xbf", 1)
@example(b"\x08\x00\x00\x08\x00\x00", 1)
@example(b"\x23\x00\x00", 1)
@example(b"\x0b\xff\xff\xff\xff", 1)
def test_whatever_the_properties_are_paho_can_read_what_is_left(properties: bytes, qos: int) -> None:
    assert properties_left(properties, qos).keys() <= {"ResponseTopic", "CorrelationData"}


def message(properties: bytes | None) -> MQTTMessage:
    received = MQTTMessage(1, TOPIC)
    if properties is not None:
        received.properties, _ = Properties(PacketTypes.PUBLISH).unpack(properties)  # type: ignore[no-untyped-call]
    return received


@pytest.mark.parametrize("properties", [None, b"\x00", b"\x05" + CORRELATION, b"\x03\x08\x00\x00"])
def test_a_message_that_names_no_response_topic_wants_no_answer(properties: bytes | None) -> None:
    assert response_properties(message(properties)) is None


def test_the_answer_carries_the_correlation_data() -> None:
    wanted = response_properties(message(bytes([len(RESPONSE_TOPIC + CORRELATION)]) + RESPONSE_TOPIC + CORRELATION))
    assert wanted
    assert (wanted[0], wanted[1].json()) == ("replies/a", {"CorrelationData": b"42".hex()})  # type: ignore[no-untyped-call]
