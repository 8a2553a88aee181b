"""The packets of MQTT 5 and 3.1.1 as values; `decoding.py` reads them from bytes and `encoding.py` writes them."""

from typing import Final, NamedTuple

from stream.settings import MOST_PAYLOAD_BYTES

CONNECT: Final = 0x10
CONNACK: Final = 0x20
PUBLISH: Final = 0x30
PUBACK: Final = 0x40
SUBSCRIBE: Final = 0x80
SUBACK: Final = 0x90
UNSUBSCRIBE: Final = 0xA0
UNSUBACK: Final = 0xB0
PINGREQ: Final = 0xC0
PINGRESP: Final = 0xD0
DISCONNECT: Final = 0xE0
AUTH: Final = 0xF0
TYPE_BITS: Final = 0xF0
"""The part of a packet's first byte that is its type; the rest are flags."""

RETAIN: Final = 0x01
QOS_1: Final = 0x02
DUPLICATE: Final = 0x08

MOST_PACKET_BYTES: Final = MOST_PAYLOAD_BYTES + 131_072
"""The part of a packet that is kept: topic, properties, and more of the payload than any setting lets us read."""
MOST_PACKET_ID: Final = 65_535


class MalformedPacketError(Exception):
    """Received bytes that are not MQTT, or a packet that the standard does not allow here."""


class Packet(NamedTuple):
    """One packet as it was received."""

    raw: bytes
    body: int
    """The position in `raw` at which the fixed header ends."""


class Headers(NamedTuple):
    """The properties of a message that describe it to its receiver (MQTT 5, 3.3.2.3)."""

    content_type: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    """Names and values, in the sender's order; a name may occur several times."""


class Message(NamedTuple):
    """A received application message."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    duplicate: bool = False
    """True if the broker has sent it before."""
    packet_id: int = 0
    """The number that its acknowledgement names; 0 with QoS 0, which has none."""
    response_topic: str | None = None
    correlation_data: bytes | None = None
    headers: Headers | None = None
    """None: the message has no content type and no user property."""


class Will(NamedTuple):
    """A message that the broker publishes when the connection is lost."""

    topic: str
    payload: bytes
    retain: bool = False
    qos: int = 1


class Login(NamedTuple):
    """The contents of a CONNECT packet."""

    client_id: str
    keepalive_seconds: int
    clean_start: bool = True
    """True: the broker deletes an earlier session and, with MQTT 3.1.1, this one at its end."""
    session_expiry_seconds: int = 0
    receive_maximum: int = MOST_PACKET_ID
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None


class BrokerLimits(NamedTuple):
    """The limits that the broker states when it accepts a connection (MQTT 5, 3.2.2.3); MQTT 3.1.1 states none."""

    receive_maximum: int = MOST_PACKET_ID
    """Publications in flight, at most."""
    maximum_qos: int = 2
    retain_available: bool = True
    maximum_packet_bytes: int | None = None
    """The largest packet that the broker accepts; None: no limit stated."""
    keepalive_seconds: int | None = None
    """The keepalive to use in place of ours."""
    session_expiry_seconds: int | None = None
    """Time for which the broker keeps the session, if it differs from the requested time."""
    wildcards_available: bool = True
    shared_subscriptions_available: bool = True


class ConnectAnswer(NamedTuple):
    """A CONNACK packet."""

    session_present: bool
    code: int
    """A reason code of MQTT 5 or a return code of MQTT 3.1.1; 0: accepted."""
    limits: BrokerLimits = BrokerLimits()
    reason_text: str = ""
    """The broker's own explanation."""


class Disconnection(NamedTuple):
    """A DISCONNECT packet from the broker (MQTT 5)."""

    code: int
    reason_text: str = ""
