"""One connection to a broker with one version of MQTT, from its socket to the answers that are waited for."""

import asyncio
import ssl
from collections.abc import Callable

from stream.errors import BrokerError
from stream.mqtt.decoding import (
    read_connect_answer,
    read_disconnection,
    read_publish,
    read_publish_answer,
    read_subscribe_answer,
)
from stream.mqtt.encoding import connect_packet, disconnect_packet
from stream.mqtt.failures import connect_error, describe, ended_by_broker, refused_connection
from stream.mqtt.keepalive import Keepalive
from stream.mqtt.opening import open_transport
from stream.mqtt.packet_stream import PacketStream
from stream.mqtt.packets import (
    CONNACK,
    DISCONNECT,
    MOST_PACKET_ID,
    PINGRESP,
    PUBACK,
    PUBLISH,
    SUBACK,
    TYPE_BITS,
    UNSUBACK,
    ConnectAnswer,
    Login,
    MalformedPacketError,
    Message,
    Packet,
)
from stream.mqtt.publications import Publications
from stream.mqtt.reason_codes import Code
from stream.mqtt.requests import Requests
from stream.settings import BrokerSettings

_CLOSE_SECONDS = 2.0
"""The time for a broker to hang up after a DISCONNECT; Mosquitto takes a few milliseconds."""

Deliver = Callable[[Message], None]


class Link:
    """One connection, to be opened once and closed once.

    Args:
        settings: The broker's address and the timeout.
        login: The contents of CONNECT.
        tls: The TLS context; None: no TLS.
        version_5: Whether MQTT 5 is spoken, not 3.1.1.
        deliver: Called with each message.
        on_end: Called when the link has ended, by either side.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        login: Login,
        tls: ssl.SSLContext | None,
        *,
        version_5: bool,
        deliver: Deliver,
        on_end: Callable[[], None],
    ) -> None:
        self.version_5 = version_5
        self.broker = f"broker {settings.host}:{settings.port}"
        self.answer = ConnectAnswer(session_present=False, code=Code.UNSPECIFIED_ERROR)
        """The broker's answer to CONNECT; known once open."""
        self.requests = Requests()
        self.publications = Publications(self.broker, self.send, self.new_packet_id, settings.timeout_seconds)
        self.error: Exception | None = None
        """Reason for the end of the link; None: the broker closed it without a reason."""
        self.closing = False
        """True if this side has ended the link."""
        self.ended = asyncio.Event()
        self._settings = settings
        self._login = login
        self._tls = tls
        self.deliver = deliver
        self._on_ended = on_end
        self.stream = self._new_stream()
        """The packets of the transport."""
        self._accepted: asyncio.Future[ConnectAnswer] = asyncio.get_running_loop().create_future()
        self._connected = False
        self._keepalive: Keepalive | None = None
        self.last_packet_id = 0
        """Packet identifier that was used last; 0 before the first."""

    @property
    def connected(self) -> bool:
        """True from the acceptance of the connection by the broker until its end."""
        return self._connected and not self.ended.is_set()

    @property
    def hung_up(self) -> bool:
        """True if the broker has ended the connection instead of answering CONNECT."""
        unanswered = self._accepted.done() and not self._accepted.cancelled() and self._accepted.exception() is not None
        return unanswered and (self.error is None or isinstance(self.error, ConnectionError | MalformedPacketError))

    @property
    def silent(self) -> bool:
        """True if the broker has accepted the connection and not answered CONNECT in time."""
        return self._accepted.cancelled() and isinstance(self.error, TimeoutError)

    async def open(self) -> None:
        """Connect and log in.

        Raises:
            BrokerError: The broker cannot be reached or refuses the connection.
        """
        settings = self._settings
        try:
            self.stream = await open_transport(
                self._new_stream, settings.host, settings.port, self._tls, settings.timeout_seconds
            )
        except OSError as error:
            self.closing = True
            self._release()
            raise connect_error(self.broker, error) from error
        try:
            await self._log_in()
        except BaseException:
            await self.abort()
            raise

    async def close(self) -> None:
        """Disconnect, and wait until the broker has hung up."""
        if not self.ended.is_set():
            self.closing = True
            self._release()
            await self.stream.close(disconnect_packet(version_5=self.version_5), _CLOSE_SECONDS)
        await self.stream.abort()

    async def abort(self) -> None:
        """Disconnect without waiting for the broker."""
        packet = disconnect_packet(version_5=self.version_5) if self.connected else b""
        if not self.ended.is_set():
            self.closing = True
            self._release()
        await self.stream.abort(packet)

    def fail(self, error: BrokerError) -> None:
        """End the link because of an error on this side."""
        self.stream.end(error, disconnect_packet(version_5=self.version_5))

    def send(self, packet: bytes) -> None:
        """Send a packet."""
        self.stream.send(packet)

    def pause(self) -> None:
        """Read nothing more."""
        self.stream.pause()

    def resume(self) -> None:
        """Read again."""
        self.stream.resume()

    def new_packet_id(self) -> int:
        """Return the next packet identifier that nothing in flight has."""
        while True:
            self.last_packet_id = self.last_packet_id % MOST_PACKET_ID + 1
            if self.last_packet_id not in self.publications and self.last_packet_id not in self.requests:
                return self.last_packet_id

    def loss(self) -> BrokerError:
        """Return a new error that says why the link has ended."""
        if self.closing:
            return BrokerError(f"{self.broker}: the connection was closed")
        if isinstance(self.error, BrokerError):
            return BrokerError(str(self.error), reason_code=self.error.reason_code)
        return BrokerError(f"{self.broker}: the connection is lost ({describe(self.error)})")

    def _new_stream(self) -> PacketStream:
        return PacketStream(self._on_packet, self._on_end, self._on_writable)

    async def _log_in(self) -> None:
        self.send(connect_packet(self._login, version_5=self.version_5))
        seconds = self._settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                self.answer = await self._accepted
        except TimeoutError as error:
            self.error = error
            raise connect_error(self.broker, TimeoutError(f"no answer within {seconds:g} s")) from error
        if self.answer.code:
            raise refused_connection(self.broker, self.answer, version_5=self.version_5)

    def _on_packet(self, packet: Packet) -> None:
        kind = packet.raw[0] & TYPE_BITS
        try:
            if kind == PUBLISH and self._connected:
                self.deliver(read_publish(packet, version_5=self.version_5))
            elif kind == PUBACK and self._connected:
                self.publications.confirm(*read_publish_answer(packet))
            else:
                self._on_control_packet(kind, packet)
        except MalformedPacketError as error:
            self.stream.end(error, disconnect_packet(Code.MALFORMED_PACKET, version_5=self.version_5))

    def _on_control_packet(self, kind: int, packet: Packet) -> None:
        if kind == CONNACK:
            self._on_answer(read_connect_answer(packet, version_5=self.version_5))
        elif kind in (SUBACK, UNSUBACK):
            self.requests.answer(*read_subscribe_answer(packet, version_5=self.version_5))
        elif kind == DISCONNECT and self.version_5:
            self.stream.end(ended_by_broker(self.broker, read_disconnection(packet)))
        elif kind != PINGRESP:
            raise MalformedPacketError(f"the broker sent a packet of type {kind >> 4}, which is not expected here")

    def _on_answer(self, answer: ConnectAnswer) -> None:
        """Take the answer at once: messages may follow it in the same bytes."""
        if self._accepted.done():
            raise MalformedPacketError("the broker accepted the connection twice")
        self.answer = answer
        self._connected = not answer.code
        self.publications.limit(answer.limits.receive_maximum)
        seconds = answer.limits.keepalive_seconds
        seconds = self._login.keepalive_seconds if seconds is None else seconds
        if self._connected and seconds:
            self._keepalive = Keepalive(self.stream, seconds, self._on_silence)
        self._accepted.set_result(answer)

    def _on_end(self, error: Exception | None) -> None:
        self.error = error
        if not self._accepted.done():
            failure = error if isinstance(error, BrokerError) else connect_error(self.broker, error)
            self._accepted.set_exception(failure)
            self._accepted.exception()  # the connection may have been given up already
        self._release()

    def _on_writable(self, writable: bool) -> None:  # noqa: FBT001  (a state, not an option)
        if writable:
            self.publications.resume()
        else:
            self.publications.pause()

    def _on_silence(self) -> None:
        self.stream.end(TimeoutError("the broker has not answered within the keepalive"))

    def _release(self) -> None:
        """End the timers and every wait."""
        if self._keepalive is not None:
            self._keepalive.stop()
        self.publications.fail(self.loss)
        self.requests.fail(self.loss)
        self.ended.set()
        self._on_ended()
