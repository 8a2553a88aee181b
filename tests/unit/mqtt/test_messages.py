"""Messages that stream.mqtt reads and writes, compared with paho."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from paho.mqtt._packet import decode_publish
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers

from stream.mqtt.decoding import read_publish, read_publish_answer
from stream.mqtt.encoding import acknowledgement_packet, publish_packet, publish_properties
from stream.mqtt.packets import MOST_PACKET_BYTES, PUBACK, PUBLISH, Headers, MalformedPacketError, Message, Packet
from stream.mqtt.splitter import Splitter

TOPIC = "tweets/in"
PAYLOAD = b'{"id":"1","text":"a"}'
RESPONSE_TOPIC = b"\x08\x00\x09replies/a"
CORRELATION = b"\x09\x00\x0242"
USER_PROPERTY = b"\x26\x00\x01k\x00\x01v"
BYTE_ORDER_MARK = b"\x26\x00\x03\xef\xbb\xbf\x00\x00"
TOPICS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def counted(section: bytes) -> bytes:
    length: bytes = VariableByteIntegers.encode(len(section))  # type: ignore[no-untyped-call]
    return length + section


def split(*parts: bytes) -> list[Packet]:
    splitter = Splitter()
    packets: list[Packet] = []
    for part in parts:
        splitter.feed(part)
        packets += splitter
    return packets


def received(properties: bytes, qos: int = 1) -> Message:
    """Write a tweet with these bytes as its properties, and return the message that is read."""
    identifier = b"\x00\x07" if qos else b""
    body = len(TOPIC).to_bytes(2) + TOPIC.encode() + identifier + counted(properties) + PAYLOAD
    [packet] = split(bytes([PUBLISH | qos << 1]) + counted(body))
    message = read_publish(packet, version_5=True)
    assert (message.topic, message.payload, message.packet_id) == (TOPIC, PAYLOAD, 7 if qos else 0)
    return message


@pytest.mark.parametrize("qos", [0, 1])
def test_a_response_topic_and_correlation_data_are_read(qos: int) -> None:
    message = received(USER_PROPERTY + RESPONSE_TOPIC + CORRELATION, qos)
    assert (message.response_topic, message.correlation_data) == ("replies/a", b"42")


def test_other_properties_are_skipped() -> None:
    other = USER_PROPERTY + b"\x01\x01" + b"\x02\x00\x00\x00\x09" + b"\x03\x00\x01t" + b"\x23\x00\x01"
    assert received(other + RESPONSE_TOPIC).response_topic == "replies/a"


def test_properties_beyond_the_size_limit_are_not_read() -> None:
    assert received(RESPONSE_TOPIC + USER_PROPERTY * 300).response_topic is None


def test_properties_after_an_unknown_property_are_not_read() -> None:
    message = received(RESPONSE_TOPIC + b"\x7f" + CORRELATION)
    assert (message.response_topic, message.correlation_data) == ("replies/a", None)


@pytest.mark.parametrize("properties", [b"", CORRELATION, b"\x08\x00\x00", b"\x08\x00\x02\xff\xff", b"\x08\xff"])
def test_a_message_without_a_valid_response_topic_has_none(properties: bytes) -> None:
    assert received(properties).response_topic is None


@given(st.binary(max_size=100) | st.binary(min_size=2000, max_size=2100), st.sampled_from([0, 1]))
@example(BYTE_ORDER_MARK, 1)
@example(b"\x0b\xff\xff\xff\xff", 1)
def test_a_message_with_any_properties_is_read(properties: bytes, qos: int) -> None:
    received(properties, qos)


@given(TOPICS, st.binary(max_size=300), st.integers(1, 65_535), st.booleans())
def test_paho_reads_what_is_published(topic: str, payload: bytes, packet_id: int, retain: bool) -> None:  # noqa: FBT001
    written = publish_packet(
        topic.encode(), payload, packet_id, retain=retain, properties=publish_properties("replies/a", b"42")
    )
    [packet] = split(written)
    read = decode_publish(packet.raw[0] & 0x0F, packet.raw[packet.body :], MQTTProtocolVersion.MQTTv5)
    assert (read.topic, read.payload, read.mid) == (topic.encode(), payload, packet_id)
    assert read.properties is not None
    assert read.properties.json() == {"ResponseTopic": "replies/a", "CorrelationData": b"42".hex()}  # type: ignore[no-untyped-call]
    assert packet.raw[0] == PUBLISH | 2 | retain


@given(TOPICS, st.binary(max_size=300), st.integers(1, 65_535), st.booleans())
def test_a_written_message_is_read_unchanged(topic: str, payload: bytes, packet_id: int, version_5: bool) -> None:  # noqa: FBT001
    properties = publish_properties() if version_5 else b""
    [packet] = split(publish_packet(topic.encode(), payload, packet_id, properties=properties))
    assert read_publish(packet, version_5=version_5) == Message(topic, payload, qos=1, packet_id=packet_id)


def test_the_properties_of_a_plain_message_are_those_that_paho_writes() -> None:
    assert publish_properties() == Properties(PacketTypes.PUBLISH).pack()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("packet", "read"), [(b"\x40\x02\x00\x07", (7, 0)), (b"\x40\x03\xff\xff\x87", (65_535, 0x87))])
def test_a_confirmation_has_a_packet_identifier_and_a_reason_code(packet: bytes, read: tuple[int, int]) -> None:
    assert read_publish_answer(split(packet)[0]) == read


def test_an_acknowledgement_is_a_confirmation_with_code_success() -> None:
    [packet] = split(acknowledgement_packet(258))
    assert packet.raw[0] == PUBACK
    assert read_publish_answer(packet) == (258, 0)


@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(0, 2000), max_size=8))
def test_packets_do_not_depend_on_the_division_of_the_stream(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(publish_packet(b"t", payload, 1, properties=b"\0") for payload in payloads)
    places = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    parts = [stream[first:last] for first, last in itertools.pairwise(places)]
    found = split(*parts)
    assert [read_publish(packet, version_5=True).payload for packet in found] == payloads


@pytest.mark.parametrize("part_bytes", [1000, 65_536, 10_000_000])
def test_a_giant_message_is_truncated_and_the_next_one_is_complete(part_bytes: int) -> None:
    giant = publish_packet(b"t", b"a" * (3 * MOST_PACKET_BYTES), 1, properties=b"\0")
    stream = giant + publish_packet(b"t", b"next", 2, properties=b"\0")
    splitter = Splitter()
    found = []
    for first in range(0, len(stream), part_bytes):
        splitter.feed(stream[first : first + part_bytes])
        found += [read_publish(packet, version_5=True) for packet in splitter]
        assert splitter.buffered_bytes <= MOST_PACKET_BYTES + max(part_bytes, 10)
    assert [message.packet_id for message in found] == [1, 2]
    assert len(found[0].payload) <= MOST_PACKET_BYTES
    assert found[1].payload == b"next"


@pytest.mark.parametrize(
    "packet", [b"\x32\x00", b"\x32\x02\x00\x05", b"\x32\x04\xff\xff\x00\x01", b"\x32\x03\x00\x01\xff"]
)
def test_a_message_without_a_topic_is_malformed(packet: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        read_publish(split(packet)[0], version_5=True)


def test_a_confirmation_without_a_packet_identifier_is_malformed() -> None:
    with pytest.raises(MalformedPacketError):
        read_publish_answer(split(b"\x40\x01\x00")[0])


def test_a_length_of_too_many_bytes_is_malformed() -> None:
    with pytest.raises(MalformedPacketError):
        split(b"\x30\xff\xff\xff\xff\xff")


def test_a_content_type_and_user_properties_are_read() -> None:
    content_type = b"\x03\x00\x09text/html"
    message = received(RESPONSE_TOPIC + content_type + USER_PROPERTY + b"&\x00\x01b\x00\x00")
    assert message.headers == Headers("text/html", (("k", "v"), ("b", "")))
    assert received(USER_PROPERTY * 2).headers == Headers(None, (("k", "v"), ("k", "v")))


def test_a_message_without_content_type_and_user_properties_has_no_headers() -> None:
    assert received(RESPONSE_TOPIC).headers is None
    assert received(b"").headers is None


def test_a_user_property_that_is_not_utf_8_is_left_out() -> None:
    assert received(b"&\x00\x01k\x00\x01\xff" + USER_PROPERTY).headers == Headers(None, (("k", "v"),))
    assert received(b"\x03\x00\x01\xff").headers == Headers()


def test_a_user_property_that_is_cut_off_ends_the_reading() -> None:
    assert received(USER_PROPERTY + b"&\x00\x01k\x00\x09v").headers == Headers(None, (("k", "v"),))


def test_headers_are_read_as_they_were_written() -> None:
    headers = Headers("application/json", (("traceparent", "00-1"), ("ü", "ß"), ("a", "")))
    section = publish_properties("replies/a", b"42", headers)
    message = received(section[1:] if section[0] < 0x80 else section[2:])
    assert (message.response_topic, message.correlation_data, message.headers) == ("replies/a", b"42", headers)
