"""Publications in flight: numbered, no more at once than the broker accepts, each confirmed or failed."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from stream.errors import BrokerError
from stream.mqtt.encoding import publish_packet
from stream.mqtt.failures import refused_publication
from stream.mqtt.reason_codes import FIRST_FAILURE

_MOST_IN_FLIGHT = 4096


class _Publication(NamedTuple):
    topic: str
    payload: bytes
    retain: bool
    properties: bytes
    confirmed: asyncio.Future[None]


class _InFlight(NamedTuple):
    topic: str
    confirmed: asyncio.Future[None]
    deadline: float
    """Seconds by the event loop's clock."""


class Publications:
    """The messages that were published and are not confirmed yet.

    Args:
        broker: The broker's name in errors.
        send: Sends a packet.
        new_packet_id: Returns an unused packet identifier.
        timeout_seconds: The time that the broker has to confirm a message.
    """

    def __init__(
        self, broker: str, send: Callable[[bytes], None], new_packet_id: Callable[[], int], timeout_seconds: float
    ) -> None:
        self._broker = broker
        self._send = send
        self._new_packet_id = new_packet_id
        self._timeout_seconds = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._most_in_flight = _MOST_IN_FLIGHT
        self._writable = True
        self._in_flight: dict[int, _InFlight] = {}
        """Publications by packet identifier, oldest first."""
        self._waiting: deque[_Publication] = deque()
        """Publications that wait for room."""
        self._timer: asyncio.TimerHandle | None = None

    def __contains__(self, packet_id: int) -> bool:
        return packet_id in self._in_flight

    def limit(self, most_in_flight: int) -> None:
        """Set the broker's receive maximum (MQTT 5, 3.3.4: it disconnects a client that exceeds it)."""
        self._most_in_flight = min(most_in_flight, _MOST_IN_FLIGHT)

    def pause(self) -> None:
        """Send nothing more for now: the network takes no more."""
        self._writable = False

    def resume(self) -> None:
        """Send again, first the publications that waited."""
        self._writable = True
        self._send_waiting()

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, properties: bytes = b""
    ) -> asyncio.Future[None]:
        """Publish a message at QoS 1 now, or as soon as there is room for it.

        Returns:
            A future that is done when the broker has confirmed the message, or fails with a BrokerError.
        """
        publication = _Publication(topic, payload, retain, properties, self._loop.create_future())
        if self._has_room() and not self._waiting:
            self._transmit(publication)
        else:
            self._waiting.append(publication)
        return publication.confirmed

    def confirm(self, packet_id: int, code: int) -> None:
        """Take the broker's answer to a message."""
        answered = self._in_flight.pop(packet_id, None)
        if answered is not None and not answered.confirmed.done():
            if code >= FIRST_FAILURE:
                answered.confirmed.set_exception(refused_publication(self._broker, answered.topic, code))
            else:
                answered.confirmed.set_result(None)
        if self._waiting:
            self._send_waiting()

    def fail(self, error: Callable[[], BrokerError]) -> None:
        """End the wait for each message that is not confirmed, with an error of its own."""
        if self._timer is not None:
            self._timer.cancel()
        pending = [sent.confirmed for sent in self._in_flight.values()]
        pending += [publication.confirmed for publication in self._waiting]
        self._in_flight.clear()
        self._waiting.clear()
        for confirmed in pending:
            if not confirmed.done():
                confirmed.set_exception(error())
                confirmed.exception()  # a publisher that no longer waits is not to be reminded by the event loop

    def _has_room(self) -> bool:
        return self._writable and len(self._in_flight) < self._most_in_flight

    def _send_waiting(self) -> None:
        while self._waiting and self._has_room():
            publication = self._waiting.popleft()
            if not publication.confirmed.done():
                self._transmit(publication)

    def _transmit(self, publication: _Publication) -> None:
        packet_id = self._new_packet_id()
        deadline = self._loop.time() + self._timeout_seconds
        self._in_flight[packet_id] = _InFlight(publication.topic, publication.confirmed, deadline)
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
            self._timer = self._loop.call_at(deadline, self._check_oldest)

    def _check_oldest(self) -> None:
        """Fail what is overdue; one timer serves all publications, set to the deadline of the oldest."""
        self._timer = None
        now = self._loop.time()
        for packet_id, oldest in list(self._in_flight.items()):
            if oldest.deadline > now:
                self._timer = self._loop.call_at(oldest.deadline, self._check_oldest)
                return
            del self._in_flight[packet_id]
            if not oldest.confirmed.done():
                late = f"a message to {oldest.topic} was not confirmed in {self._timeout_seconds:g} s"
                oldest.confirmed.set_exception(BrokerError(f"{self._broker}: {late}"))
        self._send_waiting()
