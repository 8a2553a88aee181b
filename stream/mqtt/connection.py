"""A connection to an MQTT broker that loses no message.

The caller acknowledges what it has received, and waits until the broker has confirmed what it has published. Every wait
ends when the connection does, with the reason.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import Self

from stream.credentials import broker_tls
from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.decoding import (
    read_connect_answer,
    read_disconnection,
    read_publish,
    read_publish_answer,
    read_subscribe_answer,
)
from stream.mqtt.encoding import (
    acknowledgement_packet,
    connect_packet,
    disconnect_packet,
    publish_packet,
    publish_packet_bytes,
    publish_properties,
    subscribe_packet,
    unsubscribe_packet,
)
from stream.mqtt.failures import (
    connect_error,
    describe,
    ended_by_broker,
    refused_connection,
    refused_publication,
    refused_subscription,
)
from stream.mqtt.incoming import IncomingMessages
from stream.mqtt.keepalive import Keepalive
from stream.mqtt.opening import open_transport
from stream.mqtt.options import login
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
    BrokerLimits,
    ConnectAnswer,
    MalformedPacketError,
    Message,
    Packet,
    Will,
)
from stream.mqtt.publications import Publications
from stream.mqtt.reason_codes import FIRST_FAILURE, Code
from stream.mqtt.requests import Requests
from stream.mqtt.versions import Versions
from stream.settings import BrokerSettings

logger = logging.getLogger(__name__)

_CLOSE_SECONDS = 2.0
"""The time for a broker to hang up after a DISCONNECT; Mosquitto takes a few milliseconds."""

Deliver = Callable[[Message], None]


class Connection:
    """A connection to the broker; an async context manager, to be entered once.

    Args:
        settings: The broker's settings.
        identifier: The client id, by which the broker recognises the session; None: a new one.
        will: The message that the broker publishes when the connection is lost.
        persistent: Whether the broker keeps the session, and the messages in it, while the client is away.
        versions: What earlier connections have shown of the broker's versions of MQTT.

    Raises:
        SettingsError: A certificate, a key or the password cannot be read.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        identifier: str | None = None,
        will: Will | None = None,
        persistent: bool = False,
        versions: Versions | None = None,
    ) -> None:
        self.settings = settings
        self.session_present = False
        """Whether the broker has kept the session; known once connected."""
        self.limits = BrokerLimits()
        """The broker's limits; known once connected."""
        self._login = login(settings, identifier, will, persistent=persistent)
        self._tls = broker_tls(settings)
        self._versions = versions or Versions(settings)
        self._version_5 = True
        self._broker = f"broker {settings.host}:{settings.port}"
        self._keepalive: Keepalive | None = None
        self._packet_id = 0
        self._requests = Requests()
        self._publications = Publications(self._broker, self._send, self._new_packet_id, settings.timeout_seconds)
        self._incoming = IncomingMessages(self.pause, self.resume)
        self._deliver: Deliver = self._incoming.put
        self._connected = False
        self._closing = False
        self._error: Exception | None = None
        """What ended the connection; None: the broker closed it, without a reason."""
        self._begin()
        self._refusal: PublicationRefusedError | None = None

    @property
    def protocol(self) -> str:
        """The version of MQTT that is spoken: '5' or '3.1.1'."""
        return "5" if self._version_5 else "3.1.1"

    @property
    def connected(self) -> bool:
        """Whether the connection has been made and has not ended."""
        return self._connected and not self._ended.is_set()

    def deliver_to(self, deliver: Deliver) -> None:
        """Call `deliver` with each message, and leave its acknowledgement to the caller.

        To be called before the connection is entered: a broker that knows the session sends at once.
        """
        self._deliver = deliver

    def pause(self) -> None:
        """Read nothing more, so that the messages stay in the broker.

        Needed beside the receive maximum: QoS 0 and MQTT 3.1.1 have none, and Mosquitto 2.0.11 exceeds it once a first
        message is acknowledged. Confirmations are not read either, so publish over another connection.
        """
        self._stream.pause()

    def resume(self) -> None:
        """Read again."""
        self._stream.resume()

    async def publish_confirmed(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        response_topic: str | None = None,
        correlation_data: bytes | None = None,
    ) -> None:
        """Publish at QoS 1 and wait until the broker has confirmed the message.

        A broker that supports QoS 0 alone confirms nothing, and one that keeps no retained messages gets none.

        Args:
            topic: The topic.
            payload: The message.
            retain: Whether the broker keeps it for later subscribers.
            response_topic: The topic at which an answer is expected (MQTT 5, 4.10); left out with MQTT 3.1.1.
            correlation_data: Data that the answer repeats; left out with MQTT 3.1.1.

        Raises:
            BrokerError: The connection is lost, or the broker does not answer in time.
            PublicationRefusedError: The broker refuses the message, or it is larger than the broker accepts.
        """
        self._check_connected()
        properties = publish_properties(response_topic, correlation_data) if self._version_5 else b""
        retain = retain and self.limits.retain_available
        try:
            self._check_size(topic, payload, properties)
            if self.limits.maximum_qos == 0:
                packet = publish_packet(topic.encode(), payload, 0, retain=retain, properties=properties)
                self._send(packet)
                return
            await self._publications.publish(topic, payload, retain=retain, properties=properties)
        except PublicationRefusedError as error:
            self._refusal = error
            raise

    async def subscribe_confirmed(self, topic: str) -> None:
        """Subscribe at QoS 1.

        Raises:
            BrokerError: The broker refuses the subscription or does not answer in time, or the connection is lost.
        """
        self._check_granted(topic, await self._answered(self._subscribe(topic), f"the subscription to {topic}"))

    def subscribe_soon(self, topic: str) -> None:
        """Subscribe at QoS 1 without waiting for the answer, which follows the messages that are on their way.

        A refusal ends the connection, and `wait_disconnected` raises it.
        """

        def check(answer: asyncio.Future[bytes]) -> None:
            if answer.cancelled() or answer.exception():
                return
            try:
                self._check_granted(topic, answer.result())
            except BrokerError as error:
                self._stream.end(error, disconnect_packet(version_5=self._version_5))

        self._subscribe(topic).add_done_callback(check)

    async def unsubscribe_confirmed(self, topic: str) -> None:
        """End a subscription.

        Raises:
            BrokerError: The connection is lost, or the broker does not answer in time.
        """
        await self._answered(self._unsubscribe(topic), f"the end of the subscription to {topic}")

    async def unsubscribed(self, topic: str) -> None:
        """End a subscription, and wait for the answer for as long as the connection lasts.

        Raises:
            BrokerError: The connection is lost.
        """
        await self._unsubscribe(topic)

    def unsubscribe_soon(self, topic: str) -> None:
        """End a subscription without waiting for the answer, which follows the messages that are on their way."""
        self._unsubscribe(topic)

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that a delivered message is done with, so that it is not sent again."""
        if message.qos:
            self._send(acknowledgement_packet(message.packet_id))

    async def incoming(self) -> AsyncGenerator[Message]:
        """Yield the messages, each acknowledged as it is taken, where `deliver_to` was not called.

        Raises:
            BrokerError: The connection is lost.
        """
        while (message := await self._incoming.get()) is not None:
            self.acknowledge(message)
            yield message
        await self.wait_disconnected()

    async def wait_disconnected(self) -> None:
        """Wait until the connection has ended.

        Raises:
            BrokerError: Always, unless this side has closed the connection.
        """
        await self._ended.wait()
        if self._closing:
            return
        if self._error is not None and not isinstance(self._error, OSError | MalformedPacketError | BrokerError):
            raise self._error  # an error of the program, most likely in `deliver`
        # Some brokers close the connection after a refusal, which then explains more than the end does.
        raise (self._refusal if self._error is None and self._refusal else self._loss()) from self._error

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            BrokerError: The broker cannot be reached or refuses the connection.
        """
        *others, last = self._versions.to_try()
        for version_5 in others:
            try:
                await self._connect(version_5=version_5)
            except BrokerError as error:
                if not self._versions.other_may_help(error, hung_up=self._hung_up()):
                    raise
                logger.debug("%s; the other version of MQTT is tried", error)
            else:
                return self
        await self._connect(version_5=last)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; after an error without waiting for the broker, which sends again what it may have missed."""
        if not self._ended.is_set():
            self._closing = True
            self._release()
            packet = disconnect_packet(version_5=self._version_5)
            if kind is None:
                await self._stream.close(packet, _CLOSE_SECONDS)
            else:
                await self._stream.abort(packet)
        await self._stream.abort()

    def _begin(self) -> None:
        """Prepare the state of an attempt to connect."""
        self._stream = self._new_stream()
        self._accepted: asyncio.Future[ConnectAnswer] = asyncio.get_running_loop().create_future()
        self._ended = asyncio.Event()
        self._error = None
        self._closing = False

    async def _connect(self, *, version_5: bool) -> None:
        """Connect with one version of MQTT, again where the broker cannot do what the will asks for."""
        self._version_5 = version_5
        try:
            await self._connect_once()
        except BrokerError as error:
            will = self._login.will
            if will is None or error.reason_code not in (Code.RETAIN_NOT_SUPPORTED, Code.QOS_NOT_SUPPORTED):
                raise
            self._login = self._login._replace(will=will._replace(retain=False, qos=0))
            await self._connect_once()
        self._versions.accepted(version_5=version_5)

    async def _connect_once(self) -> None:
        settings = self.settings
        self._begin()
        try:
            self._stream = await open_transport(
                self._new_stream, settings.host, settings.port, self._tls, settings.timeout_seconds
            )
        except OSError as error:
            raise connect_error(self._broker, error) from error
        try:
            await self._log_in()
        except BaseException:
            self._closing = True
            await self._stream.abort()
            self._release()
            raise

    def _hung_up(self) -> bool:
        """Return whether the broker has ended the connection instead of accepting it."""
        without_reason = self._error is None or isinstance(self._error, ConnectionError | MalformedPacketError)
        unanswered = self._accepted.done() and not self._accepted.cancelled() and self._accepted.exception() is not None
        return unanswered and without_reason

    def _new_stream(self) -> PacketStream:
        return PacketStream(self._on_packet, self._on_end, self._on_writable)

    async def _log_in(self) -> None:
        packet = connect_packet(self._login, version_5=self._version_5)
        self._stream.send(packet)
        try:
            async with asyncio.timeout(self.settings.timeout_seconds):
                answer = await self._accepted
        except TimeoutError as error:
            self._error = error
            raise connect_error(
                self._broker, TimeoutError(f"no answer within {self.settings.timeout_seconds:g} s")
            ) from error
        if answer.code:
            raise refused_connection(self._broker, answer, version_5=self._version_5)

    def _on_accepted(self, answer: ConnectAnswer) -> None:
        if self._accepted.done():
            raise MalformedPacketError("the broker accepted the connection twice")
        self._connected = not answer.code
        self.session_present, self.limits = answer.session_present, answer.limits
        self._publications.limit(answer.limits.receive_maximum)
        seconds = self._login.keepalive_seconds
        if answer.limits.keepalive_seconds is not None:
            seconds = answer.limits.keepalive_seconds
        if self._connected and seconds:
            self._keepalive = Keepalive(self._stream, seconds, self._on_silence)
        self._accepted.set_result(answer)

    def _on_packet(self, packet: Packet) -> None:
        kind = packet.raw[0] & TYPE_BITS
        try:
            if kind == PUBLISH and self._connected:
                self._deliver(read_publish(packet, version_5=self._version_5))
            elif kind == PUBACK and self._connected:
                self._publications.confirm(*read_publish_answer(packet))
            else:
                self._on_control_packet(kind, packet)
        except MalformedPacketError as error:
            self._stream.end(error, disconnect_packet(Code.MALFORMED_PACKET, version_5=self._version_5))

    def _on_control_packet(self, kind: int, packet: Packet) -> None:
        if kind == CONNACK:
            self._on_accepted(read_connect_answer(packet, version_5=self._version_5))
        elif kind in (SUBACK, UNSUBACK):
            self._requests.answer(*read_subscribe_answer(packet, version_5=self._version_5))
        elif kind == DISCONNECT and self._version_5:
            self._stream.end(ended_by_broker(self._broker, read_disconnection(packet)))
        elif kind != PINGRESP:
            raise MalformedPacketError(f"the broker sent a packet of type {kind >> 4}, which is not expected here")

    def _on_end(self, error: Exception | None) -> None:
        self._error = error
        if not self._accepted.done():
            failure = error if isinstance(error, BrokerError) else connect_error(self._broker, error)
            self._accepted.set_exception(failure)
            self._accepted.exception()  # the connection may have been given up already
        self._release()

    def _on_writable(self, writable: bool) -> None:  # noqa: FBT001  (a state, not an option)
        if writable:
            self._publications.resume()
        else:
            self._publications.pause()

    def _on_silence(self) -> None:
        self._stream.end(TimeoutError("the broker has not answered within the keepalive"))

    def _release(self) -> None:
        """End the timers and every wait."""
        if self._keepalive is not None:
            self._keepalive.stop()
        self._publications.fail(self._loss)
        self._requests.fail(self._loss)
        self._incoming.end()
        self._ended.set()

    def _loss(self) -> BrokerError:
        """Return a new error that says why the connection has ended."""
        if self._closing:
            return BrokerError(f"{self._broker}: the connection was closed")
        if isinstance(self._error, BrokerError):
            return BrokerError(str(self._error), reason_code=self._error.reason_code)
        return BrokerError(f"{self._broker}: the connection is lost ({describe(self._error)})")

    def _check_size(self, topic: str, payload: bytes, properties: bytes) -> None:
        most = self.limits.maximum_packet_bytes
        if most is not None and publish_packet_bytes(len(topic.encode()), len(payload), len(properties)) > most:
            raise refused_publication(self._broker, topic, Code.PACKET_TOO_LARGE)

    def _check_topic_filter(self, topic: str) -> None:
        """Refuse what the broker has said it cannot do."""
        if topic.startswith("$share/") and not self.limits.shared_subscriptions_available:
            raise refused_subscription(self._broker, topic, Code.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED)
        if not self.limits.wildcards_available and not {"+", "#"}.isdisjoint(topic):
            raise refused_subscription(self._broker, topic, Code.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED)

    def _check_connected(self) -> None:
        if self._ended.is_set():
            raise self._loss() from self._error
        if not self._connected:
            raise BrokerError(f"{self._broker}: not connected")

    def _send(self, packet: bytes) -> None:
        self._stream.send(packet)

    def _new_packet_id(self) -> int:
        """Return the next packet identifier that nothing in flight has."""
        while True:
            self._packet_id = self._packet_id % MOST_PACKET_ID + 1
            if self._packet_id not in self._publications and self._packet_id not in self._requests:
                return self._packet_id

    def _subscribe(self, topic: str) -> asyncio.Future[bytes]:
        self._check_connected()
        self._check_topic_filter(topic)
        packet_id = self._new_packet_id()
        self._send(subscribe_packet(packet_id, topic, version_5=self._version_5))
        return self._requests.expect(packet_id)

    def _unsubscribe(self, topic: str) -> asyncio.Future[bytes]:
        self._check_connected()
        packet_id = self._new_packet_id()
        self._send(unsubscribe_packet(packet_id, topic, version_5=self._version_5))
        return self._requests.expect(packet_id)

    async def _answered(self, answer: asyncio.Future[bytes], what: str) -> bytes:
        try:
            async with asyncio.timeout(self.settings.timeout_seconds):
                return await answer
        except TimeoutError as error:
            seconds = self.settings.timeout_seconds
            raise BrokerError(f"{self._broker}: {what} was not answered in {seconds:g} s") from error

    def _check_granted(self, topic: str, codes: bytes) -> None:
        refused = [code for code in codes if code >= FIRST_FAILURE]
        if refused:
            raise refused_subscription(self._broker, topic, refused[0])
