"""Publications on their way: numbered, no more at once than the broker wants, each confirmed or failed."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.packets import publish_packet

_MOST_UNCONFIRMED = 4096
_FIRST_FAILURE = 0x80
"""MQTT 5, 2.4: codes from here on say no."""


class _Publication(NamedTuple):
    topic: str
    payload: bytes
    retain: bool
    properties: bytes
    confirmed: asyncio.Future[None]


class _Unconfirmed(NamedTuple):
    topic: str
    confirmed: asyncio.Future[None]
    deadline: float
    """By the event loop's clock, in seconds."""


class Outbox:
    """What was published and is not confirmed yet.

    Args:
        where: What errors call the broker.
        send: Sends a packet.
        new_packet_id: Gives the next packet identifier.
        timeout_seconds: How long the broker may take to confirm.
    """

    def __init__(
        self, where: str, send: Callable[[bytes], None], new_packet_id: Callable[[], int], timeout_seconds: float
    ) -> None:
        self._where = where
        self._send = send
        self._new_packet_id = new_packet_id
        self._timeout_seconds = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._most_unconfirmed = _MOST_UNCONFIRMED
        self._unconfirmed: dict[int, _Unconfirmed] = {}
        """By packet identifier, oldest first."""
        self._waiting: deque[_Publication] = deque()
        """For the broker to have room."""
        self._timer: asyncio.TimerHandle | None = None

    def allow(self, most_unconfirmed: int) -> None:
        """Set how many the broker wants at once (MQTT 5, 3.3.4: it hangs up on who sends more)."""
        self._most_unconfirmed = min(most_unconfirmed, _MOST_UNCONFIRMED)

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, properties: bytes = b""
    ) -> asyncio.Future[None]:
        """Publish a message now, or as soon as the broker has room for it.

        Returns:
            What is done when the broker has taken the message, or fails with a BrokerError when it has not.
        """
        publication = _Publication(topic, payload, retain, properties, self._loop.create_future())
        if len(self._unconfirmed) < self._most_unconfirmed:
            self._go(publication)
        else:
            self._waiting.append(publication)
        return publication.confirmed

    def confirm(self, packet_id: int, reason_code: int) -> None:
        """Take the broker's answer to a message."""
        answered = self._unconfirmed.pop(packet_id, None)
        if answered is not None and not answered.confirmed.done():
            if reason_code >= _FIRST_FAILURE:
                answered.confirmed.set_exception(self._refusal(answered.topic, reason_code))
            else:
                answered.confirmed.set_result(None)
        if self._waiting and len(self._unconfirmed) < self._most_unconfirmed:
            self._go(self._waiting.popleft())

    def fail(self, reason: str) -> None:
        """Give up on all that is not confirmed, for the connection is lost."""
        if self._timer is not None:
            self._timer.cancel()
        unconfirmed = [sent.confirmed for sent in self._unconfirmed.values()]
        for confirmed in unconfirmed + [publication.confirmed for publication in self._waiting]:
            if not confirmed.done():
                confirmed.set_exception(BrokerError(f"{self._where}: {reason}"))
                confirmed.exception()  # whoever does not wait for it any more need not hear of it
        self._unconfirmed.clear()
        self._waiting.clear()

    def _go(self, publication: _Publication) -> None:
        packet_id = self._new_packet_id()
        deadline = self._loop.time() + self._timeout_seconds
        self._unconfirmed[packet_id] = _Unconfirmed(publication.topic, publication.confirmed, deadline)
        self._send(
            publish_packet(
                publication.topic.encode(),
                publication.payload,
                packet_id,
                retain=publication.retain,
                properties=publication.properties,
            )
        )
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._look_at_the_oldest)

    def _look_at_the_oldest(self) -> None:
        """One timer for all, set anew for whichever is oldest by then."""
        self._timer = None
        for packet_id, oldest in list(self._unconfirmed.items()):
            if oldest.deadline > self._loop.time():
                self._timer = self._loop.call_at(oldest.deadline, self._look_at_the_oldest)
                return
            del self._unconfirmed[packet_id]
            if not oldest.confirmed.done():
                late = f"a message to {oldest.topic} was not confirmed in {self._timeout_seconds:g} s"
                oldest.confirmed.set_exception(BrokerError(f"{self._where}: {late}"))

    def _refusal(self, topic: str, reason_code: int) -> PublicationRefusedError:
        reason = ReasonCode(PacketTypes.PUBACK, identifier=reason_code)
        return PublicationRefusedError(
            f"{self._where}: no message to {topic} ({reason}); check the broker's access rules"
        )
