"""Publications in flight, without a broker: packets go into a list, and the test answers."""

import asyncio
import itertools

import pytest

from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.decoding import read_publish
from stream.mqtt.encoding import publish_properties
from stream.mqtt.packets import Message
from stream.mqtt.publications import Publications
from stream.mqtt.splitter import Splitter
from tests.unit.mqtt.conftest import LetPass
from tests.unit.waiting import until

NOT_AUTHORISED = 0x87


class Outbox:
    """Publications and the packets that they sent."""

    def __init__(self, timeout_seconds: float = 60) -> None:
        self._splitter = Splitter()
        self._messages: list[Message] = []
        self.publications = Publications(
            "broker here:1883", self._splitter.feed, itertools.count(1).__next__, timeout_seconds
        )

    def publish(self, *payloads: bytes) -> list[asyncio.Future[None]]:
        return [self.publications.publish("t", payload, properties=publish_properties()) for payload in payloads]

    @property
    def sent(self) -> list[tuple[int, bytes]]:
        """Packet identifiers and payloads."""
        self._messages += [read_publish(packet, version_5=True) for packet in self._splitter]
        return [(message.packet_id, message.payload) for message in self._messages]


async def test_a_message_is_sent_at_once_and_done_when_it_is_confirmed() -> None:
    outbox = Outbox()
    (confirmed,) = outbox.publish(b"a")
    assert outbox.sent == [(1, b"a")]
    assert not confirmed.done()
    outbox.publications.confirm(1, 0)
    await confirmed


async def test_a_message_is_not_retained_and_has_no_properties_unless_it_is_said() -> None:
    packets: list[bytes] = []
    publications = Publications("broker here:1883", packets.append, itertools.count(1).__next__, 60)
    publications.publish("t", b"a")
    assert packets == [b"\x32\x06\x00\x01t\x00\x01a"]


async def test_confirmations_may_come_in_any_order() -> None:
    outbox = Outbox()
    first, second = outbox.publish(b"a", b"b")
    outbox.publications.confirm(2, 0)
    assert (first.done(), second.done()) == (False, True)
    outbox.publications.confirm(1, 0)
    await first


async def test_unconfirmed_messages_are_limited_and_the_others_follow_in_order() -> None:
    outbox = Outbox()
    outbox.publications.limit(2)
    confirmed = outbox.publish(b"a", b"b", b"c", b"d")
    assert outbox.sent == [(1, b"a"), (2, b"b")]
    for packet_id in (1, 2, 3, 4):
        outbox.publications.confirm(packet_id, 0)
    assert [payload for _, payload in outbox.sent] == [b"a", b"b", b"c", b"d"]
    await asyncio.gather(*confirmed)


async def test_a_refusal_names_the_topic_and_the_reason_and_makes_room() -> None:
    outbox = Outbox()
    outbox.publications.limit(1)
    refused, follows = outbox.publish(b"a", b"b")
    outbox.publications.confirm(1, NOT_AUTHORISED)
    with pytest.raises(
        PublicationRefusedError, match=r"broker here:1883: no message to t \(Not authorized, code 135\)"
    ):
        await refused
    outbox.publications.confirm(2, 0)
    await follows


async def test_a_confirmation_of_an_unknown_message_is_ignored() -> None:
    outbox = Outbox()
    outbox.publications.confirm(7, 0)
    (confirmed,) = outbox.publish(b"a")
    assert not confirmed.done()


async def test_a_confirmation_for_a_cancelled_publisher_is_ignored() -> None:
    outbox = Outbox()
    gone, stays = outbox.publish(b"a", b"b")
    gone.cancel()
    outbox.publications.confirm(1, 0)
    outbox.publications.confirm(2, 0)
    await stays


async def test_a_message_that_is_not_confirmed_in_time_fails() -> None:
    outbox = Outbox(timeout_seconds=0.01)
    late, in_time = outbox.publish(b"a", b"b")
    outbox.publications.confirm(2, 0)
    with pytest.raises(BrokerError, match=r"broker here:1883: a message to t was not confirmed in 0\.01 s"):
        await late
    await in_time


async def test_each_message_has_its_own_time_limit(let_pass: LetPass) -> None:
    outbox = Outbox(timeout_seconds=30)
    (first,) = outbox.publish(b"a")
    let_pass(30)
    await until(first.done)
    (second,) = outbox.publish(b"b")
    assert not second.done()
    let_pass(30)
    await until(second.done)
    assert isinstance(first.exception(), BrokerError)
    assert isinstance(second.exception(), BrokerError)


async def test_a_later_message_times_out_later(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    now = loop.time()
    monkeypatch.setattr(loop, "time", lambda: now)
    outbox = Outbox(timeout_seconds=10)
    (first,) = outbox.publish(b"a")
    now += 4
    (second,) = outbox.publish(b"b")
    now += 6
    with pytest.raises(BrokerError):
        await first
    assert not second.done()
    now += 4
    with pytest.raises(BrokerError):
        await second


async def test_a_lost_connection_fails_sent_and_waiting_messages() -> None:
    outbox = Outbox()
    outbox.publications.limit(1)
    confirmed = outbox.publish(b"a", b"b")
    outbox.publications.fail(lambda: BrokerError("broker here:1883: the connection is lost"))
    for one in confirmed:
        with pytest.raises(BrokerError, match="broker here:1883: the connection is lost"):
            await one
