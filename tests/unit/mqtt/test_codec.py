"""All packets except messages: paho reads the written packets; the packets to read are written by hand or by paho."""

import itertools
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from stream.mqtt.decoding import (
    read_connect_answer,
    read_disconnection,
    read_publish,
    read_publish_answer,
    read_subscribe_answer,
)
from stream.mqtt.encoding import (
    PING_REQUEST,
    connect_packet,
    disconnect_packet,
    publish_packet,
    publish_properties,
    subscribe_packet,
    unsubscribe_packet,
)
from stream.mqtt.packets import (
    BrokerLimits,
    ConnectAnswer,
    Disconnection,
    Login,
    MalformedPacketError,
    Message,
    Packet,
    Will,
)
from stream.mqtt.properties import read_properties, read_variable_integer, write_properties, write_variable_integer
from stream.mqtt.splitter import Splitter
from tests.unit.mqtt.scripted_broker import packet

RETURN_CODES = [(0, 0), (1, 0x84), (2, 0x85), (3, 0x88), (4, 0x86), (5, 0x87), (6, 6), (0x80, 0x80), (0x84, 0x84)]
VERSIONS = pytest.mark.parametrize("version_5", [True, False], ids=["5", "3.1.1"])


def split(*parts: bytes) -> list[Packet]:
    splitter = Splitter()
    packets: list[Packet] = []
    for part in parts:
        splitter.feed(part)
        packets += splitter
    return packets


def one(raw: bytes) -> Packet:
    (found,) = split(raw)
    return found


def connack_properties(**values: Any) -> bytes:
    """Write CONNACK's properties with paho."""
    properties = Properties(PacketTypes.CONNACK)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    packed: bytes = properties.pack()  # type: ignore[no-untyped-call]
    return packed


@given(st.integers(0, 268_435_455))
@example(127)
@example(128)
@example(16_383)
@example(16_384)
@example(2_097_151)
@example(2_097_152)
def test_a_variable_integer_is_read_as_it_was_written(value: int) -> None:
    written = write_variable_integer(value)
    assert read_variable_integer(written + b"rest", 0) == (value, len(written))
    assert all(read_variable_integer(written[:end], 0) is None for end in range(len(written)))


def test_all_limits_of_a_broker_are_read() -> None:
    properties = connack_properties(
        ReceiveMaximum=5,
        MaximumQoS=0,
        RetainAvailable=0,
        MaximumPacketSize=300,
        ServerKeepAlive=7,
        SessionExpiryInterval=60,
        WildcardSubscriptionAvailable=0,
        SharedSubscriptionAvailable=0,
        SubscriptionIdentifierAvailable=0,
        TopicAliasMaximum=10,
        AssignedClientIdentifier="auto-7",
        ReasonString="hello",
        UserProperty=("key", "value"),
        ResponseInformation="answers/",
        ServerReference="other:1883",
    )
    answer = read_connect_answer(one(packet(0x20, b"\x01\x00" + properties)), version_5=True)
    limits = BrokerLimits(
        receive_maximum=5,
        maximum_qos=0,
        retain_available=False,
        maximum_packet_bytes=300,
        keepalive_seconds=7,
        session_expiry_seconds=60,
        wildcards_available=False,
        shared_subscriptions_available=False,
    )
    assert answer == ConnectAnswer(session_present=True, code=0, limits=limits, reason_text="hello")


def test_limits_that_a_broker_does_not_state_are_those_of_the_standard() -> None:
    answer = read_connect_answer(one(packet(0x20, b"\x00\x00\x00")), version_5=True)
    assert answer == ConnectAnswer(session_present=False, code=0)
    assert (answer.limits.receive_maximum, answer.limits.maximum_qos) == (65_535, 2)


def test_over_mqtt_3_1_1_the_answer_is_two_bytes() -> None:
    answer = read_connect_answer(one(packet(0x20, b"\x01\x05")), version_5=False)
    assert answer == ConnectAnswer(session_present=True, code=5)


@pytest.mark.parametrize(("return_code", "code"), RETURN_CODES)
def test_a_return_code_of_mqtt_3_1_1_is_read_as_a_reason_code(return_code: int, code: int) -> None:
    for kept in (False, True):
        answer = read_connect_answer(one(packet(0x20, bytes((kept, return_code)))), version_5=True)
        assert answer == ConnectAnswer(session_present=kept, code=code)


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x00\x05", b"\x00\x00\x02\x7f\x00", b"\x00\x00\x02\x21\x00"])
def test_a_malformed_connection_answer_is_an_error(body: bytes) -> None:
    with pytest.raises(MalformedPacketError):
        read_connect_answer(one(packet(0x20, body)), version_5=True)


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"", Disconnection(0)),
        (b"\x8e", Disconnection(0x8E)),
        (b"\x8e\x00", Disconnection(0x8E)),
        (b"\x8b\x08\x1f\x00\x05later", Disconnection(0x8B, "later")),
        (b"\x8b\x08\x1f\x00\x05la\x1b\xffr", Disconnection(0x8B, "la\ufffdr")),
    ],
)
def test_the_reason_of_a_disconnection_is_printable(body: bytes, read: Disconnection) -> None:
    assert read_disconnection(one(packet(0xE0, body))) == read


@VERSIONS
def test_a_subscription_answer_has_a_packet_identifier_and_codes(version_5: bool) -> None:  # noqa: FBT001
    properties = b"\x03\x1f\x00\x00" if version_5 else b""
    body = b"\x01\x02" + properties + b"\x01\x87"
    assert read_subscribe_answer(one(packet(0x90, body)), version_5=version_5) == (258, b"\x01\x87")


def test_an_unsubscription_answer_of_mqtt_3_1_1_has_no_codes() -> None:
    assert read_subscribe_answer(one(packet(0xB0, b"\x01\x02")), version_5=False) == (258, b"")


@VERSIONS
def test_subscriptions_request_qos_1_and_retained_messages_only_if_new(version_5: bool) -> None:  # noqa: FBT001
    properties, options = (b"\x00", b"\x11") if version_5 else (b"", b"\x01")
    written = subscribe_packet(258, "tweets/in", version_5=version_5)
    assert written == packet(0x82, b"\x01\x02" + properties + b"\x00\x09tweets/in" + options)
    assert unsubscribe_packet(258, "é", version_5=version_5) == packet(
        0xA2, b"\x01\x02" + properties + b"\x00\x02\xc3\xa9"
    )


def test_a_disconnection_has_a_code_only_over_mqtt_5_and_if_it_is_not_zero() -> None:
    assert disconnect_packet(version_5=True) == b"\xe0\x00"
    assert disconnect_packet(0x81, version_5=True) == b"\xe0\x01\x81"
    assert disconnect_packet(0x81, version_5=False) == b"\xe0\x00"
    assert PING_REQUEST == b"\xc0\x00"


@VERSIONS
@given(
    client_id=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    username=st.none() | st.text(max_size=30),
    will=st.none() | st.builds(Will, st.just("t"), st.binary(max_size=200), st.booleans(), st.integers(0, 1)),
    clean=st.booleans(),
)
def test_all_parts_of_a_connection_packet_are_written(
    version_5: bool,  # noqa: FBT001
    client_id: str,
    username: str | None,
    will: Will | None,
    clean: bool,  # noqa: FBT001
) -> None:
    username = username if username is None else username.encode(errors="ignore").decode()
    password = None if username is None else b"secret"
    login = Login(client_id, 9, clean, 60, 5, username=username, password=password, will=will)
    raw = connect_packet(login, version_5=version_5)
    found = one(raw)
    body = found.raw[found.body :]
    assert body[:7] == b"\x00\x04MQTT" + (b"\x05" if version_5 else b"\x04")
    flags = body[7]
    assert bool(flags & 0x02) == clean
    assert bool(flags & 0x80) == bool(flags & 0x40) == (username is not None)
    assert not flags & 0x01
    assert flags & 0x3C == (0 if will is None else 0x04 | 0x08 * will.qos | 0x20 * will.retain)
    rest = body[10:]
    if version_5:
        assert rest.startswith(write_properties({0x11: 60, 0x21: 5}))
        rest = rest[len(write_properties({0x11: 60, 0x21: 5})) :]
    parts = [client_id.encode()]
    if will:
        parts += [b"t", will.payload]
    if username is not None:
        parts += [username.encode(), b"secret"]
    written = [len(part).to_bytes(2) + part for part in parts]
    if will and version_5:
        written.insert(1, b"\x00")
    assert rest == b"".join(written)


def test_a_part_longer_than_mqtt_allows_is_an_error() -> None:
    with pytest.raises(ValueError, match="65,535 is the most"):
        connect_packet(Login("a" * 65_536, 9), version_5=True)


@given(st.binary(max_size=60), st.booleans())
def test_random_bytes_raise_only_a_malformed_packet_error(body: bytes, version_5: bool) -> None:  # noqa: FBT001
    readers = (
        read_publish_answer,
        read_disconnection,
        lambda found: read_publish(found, version_5=version_5),
        lambda found: read_connect_answer(found, version_5=version_5),
        lambda found: read_subscribe_answer(found, version_5=version_5),
    )
    for read in readers:
        try:
            read(one(packet(0x32, body)))
        except MalformedPacketError:
            continue


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_packets_of_random_bytes_do_not_depend_on_the_division(stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    parts = [stream[first:last] for first, last in itertools.pairwise(places)]
    try:
        whole = split(stream)
    except MalformedPacketError:
        with pytest.raises(MalformedPacketError):
            split(*parts)
    else:
        assert split(*parts) == whole


@given(st.dictionaries(st.sampled_from([0x11, 0x27, 0x02, 0x18]), st.integers(0, 2**32 - 1)))
def test_properties_are_read_as_they_were_written(values: dict[int, int]) -> None:
    written = write_properties(dict(values))
    assert read_properties(written + b"rest", 0) == (values, len(written))
    if values:
        with pytest.raises(MalformedPacketError):
            read_properties(written[:-1], 0)


def test_a_property_that_is_a_variable_integer_is_read() -> None:
    assert read_properties(b"\x03\x0b\x80\x01", 0) == ({0x0B: 128}, 4)


@pytest.mark.parametrize(("property_bytes", "is_read"), [(2048, True), (2049, False)])
def test_longer_properties_of_a_message_are_not_read(property_bytes: int, is_read: bool) -> None:  # noqa: FBT001
    response_topic = b"\x08\x00\x01r"
    data = property_bytes - len(response_topic) - 3
    section = response_topic + b"\x09" + data.to_bytes(2) + b"x" * data
    raw = packet(0x30, b"\x00\x01t" + write_variable_integer(len(section)) + section + b"payload")
    message = read_publish(one(raw), version_5=True)
    assert message.payload == b"payload"
    assert message.response_topic == ("r" if is_read else None)
    assert message.correlation_data == (b"x" * data if is_read else None)


def test_a_message_at_qos_2_is_malformed() -> None:
    with pytest.raises(MalformedPacketError, match="QoS 2"):
        read_publish(one(packet(0x34, b"\x00\x01t\x00\x01\x00")), version_5=True)


@pytest.mark.parametrize(
    ("read", "first_byte", "body", "sentence"),
    [
        (read_publish, 0x36, b"\x00\x01t\x00\x01\x00", "a message at QoS 2, though only QoS 1 was asked for"),
        (read_publish, 0x32, b"\x00\x05t", "a message that is not MQTT"),
        (read_subscribe_answer, 0x90, b"\x00", "an answer without the number of what it answers"),
        (read_subscribe_answer, 0x90, b"\x00\x01\x05", "a packet whose properties end too early"),
        (read_subscribe_answer, 0x90, b"\x00\x01\x02\x7f\x00", "a packet with a property that MQTT 5 does not know"),
    ],
)
def test_an_error_says_what_the_broker_sent(read: Any, first_byte: int, body: bytes, sentence: str) -> None:
    with pytest.raises(MalformedPacketError) as caught:
        read(one(packet(first_byte, body)), version_5=True)
    assert str(caught.value) == f"the broker sent {sentence}"


def test_a_connection_answer_that_is_too_short_is_named() -> None:
    with pytest.raises(MalformedPacketError) as caught:
        read_connect_answer(one(packet(0x20, b"\x00")), version_5=False)
    assert str(caught.value) == "the broker's answer to the connection is not MQTT"


def test_a_length_of_too_many_bytes_is_named() -> None:
    with pytest.raises(MalformedPacketError) as caught:
        split(b"\x30\xff\xff\xff\xff\xff")
    assert str(caught.value) == "the broker sends something other than MQTT"


@pytest.mark.parametrize("retain", [False, True])
@pytest.mark.parametrize("duplicate", [False, True])
def test_the_flags_of_a_message_are_read(retain: bool, duplicate: bool) -> None:  # noqa: FBT001
    raw = packet(0x32 | retain | duplicate << 3, b"\x00\x01t\x00\x07payload")
    message = read_publish(one(raw), version_5=False)
    assert message == Message("t", b"payload", 1, retain, duplicate, packet_id=7)


def test_a_message_without_options_is_written_without_them() -> None:
    assert publish_packet(b"t", b"label", 0) == b"\x30\x08\x00\x01tlabel"
    assert publish_packet(b"t", b"label", 258) == b"\x32\x0a\x00\x01t\x01\x02label"


@pytest.mark.parametrize(
    ("response_topic", "correlation_data", "written"),
    [
        (None, None, b"\x00"),
        ("a", None, b"\x04\x08\x00\x01a"),
        (None, b"7", b"\x04\x09\x00\x017"),
        ("a", b"7", b"\x08\x08\x00\x01a\x09\x00\x017"),
        ("", b"", b"\x06\x08\x00\x00\x09\x00\x00"),
    ],
)
def test_a_response_topic_and_correlation_data_are_written(
    response_topic: str | None, correlation_data: bytes | None, written: bytes
) -> None:
    assert publish_properties(response_topic, correlation_data) == written


@pytest.mark.parametrize(
    ("username", "password", "written"),
    [
        ("ada", None, b"\x82\x00\x09\x00\x02pi\x00\x03ada"),
        (None, b"secret", b"\x42\x00\x09\x00\x02pi\x00\x06secret"),
        ("", b"", b"\xc2\x00\x09\x00\x02pi\x00\x00\x00\x00"),
    ],
)
def test_a_user_name_and_a_password_are_independent(
    username: str | None, password: bytes | None, written: bytes
) -> None:
    raw = connect_packet(Login("pi", 9, username=username, password=password), version_5=False)
    assert raw[9:] == written
