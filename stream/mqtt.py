"""aiomqtt's client, with what a service needs that must not lose a message.

aiomqtt 2 acknowledges a message as soon as it is received, hides whether it was sent before, and takes a refused
publication for an accepted one. All three are known to paho, the client inside it. This file is the only one that
reaches for paho through aiomqtt.
"""

import asyncio
import functools
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, ConnectFlags, DisconnectFlags, MQTTMessage, error_string
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from stream.errors import BrokerError, PublicationRefusedError
from stream.packets import MOST_PACKET_BYTES, with_request_properties_only
from stream.secret_files import read_password
from stream.settings import BrokerSettings
from stream.tls import broker_tls

_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
"""Without it Nagle's algorithm holds small packets back until the broker's delayed acknowledgement, about 40 ms."""
_MOST_UNCONFIRMED = 4096
_CLOSED = -1
_READ_BYTES = 65_536
"""Read from the socket at once; paho comes back to the event loop after a hundred times."""
_FIRST_FAILURE = 0x80
"""MQTT 5, 2.4 and MQTT 3.1.1, 3.9.3: codes from here on say no."""
_RETAINED_ONCE = 1
"""MQTT 5, 3.8.3.1: send retained messages when the subscription is new, not whenever the client comes back."""

Deliver = Callable[[MQTTMessage], None]


class Client(aiomqtt.Client):
    """A connection to the broker; an async context manager.

    Args:
        settings: The broker's.
        identifier: The client id, by which the broker knows the session again.
        will: What the broker says when the connection is lost.
        persistent: Whether the broker keeps the session, and the messages in it, while the client is away.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        identifier: str | None = None,
        will: aiomqtt.Will | None = None,
        persistent: bool = False,
    ) -> None:
        self.settings = settings
        version_5 = settings.protocol == "5"
        super().__init__(
            settings.host,
            settings.port,
            identifier=identifier,
            protocol=aiomqtt.ProtocolVersion.V5 if version_5 else aiomqtt.ProtocolVersion.V311,
            username=settings.username,
            password=_password(settings),
            tls_context=broker_tls(settings),
            keepalive=settings.keepalive_seconds,
            timeout=settings.timeout_seconds,
            will=will,
            socket_options=[_NO_DELAY],
            properties=_connect_properties(settings, persistent=persistent) if version_5 else None,
            clean_start=not persistent if version_5 else MQTT_CLEAN_START_FIRST_ONLY,
            clean_session=None if version_5 else not persistent,
        )
        self.session_present = False
        self._version_5 = version_5
        self._where = f"broker {settings.host}:{settings.port}"
        self._paused = False
        self._deliver: Deliver | None = None
        self._refusal: PublicationRefusedError | None = None
        self._unconfirmed: dict[int, asyncio.Future[None]] = {}
        self._send_quota = asyncio.Semaphore(_MOST_UNCONFIRMED)
        self._client.max_inflight_messages_set(_MOST_UNCONFIRMED)
        self._client._sock_recv = self._receive  # type: ignore[method-assign]  # noqa: SLF001
        self._client._handle_publish = self._handle_publish  # type: ignore[method-assign]  # noqa: SLF001

    def deliver_to(self, deliver: Deliver) -> None:
        """Gives each message to `deliver`, in the event loop, and leaves its acknowledgement to the caller.

        To be called before the connection is made: a broker that knows the session sends at once.
        """
        self._deliver = deliver
        self._client.manual_ack_set(True)  # noqa: FBT003  (paho's signature)

    def pause(self) -> None:
        """Reads nothing more, so that what the broker sends stays in the broker.

        Needed beside the receive maximum: QoS 0 and MQTT 3.1.1 know none, and Mosquitto 2.0.11 sends past it once a
        first message is acknowledged. Confirmations are not read either, so publish over another connection.
        """
        self._paused = True
        if (sock := self._client.socket()) is not None:
            self._loop.remove_reader(sock)

    def resume(self) -> None:
        """Reads again."""
        if self._paused and (sock := self._client.socket()) is not None:
            self._loop.add_reader(sock, self._read)
            self._loop.call_soon(self._read)  # TLS may hold messages that the socket no longer shows
        self._paused = False

    async def publish_confirmed(
        self, topic: str, payload: bytes | str, *, retain: bool = False, properties: Properties | None = None
    ) -> None:
        """Publishes at QoS 1 and waits until the broker has taken the message.

        Raises:
            BrokerError: The connection is lost, or the broker does not answer in time.
            PublicationRefusedError: The broker does not want the message.
        """
        async with self._send_quota:
            sent = self._client.publish(topic, payload, 1, retain, properties)
            if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise BrokerError(f"{self._where}: cannot send to {topic}: {error_string(sent.rc)}")
            await self._confirmation(sent.mid, topic)

    async def _confirmation(self, mid: int, topic: str) -> None:
        self._unconfirmed[mid] = confirmed = self._loop.create_future()
        try:
            async with asyncio.timeout(self.timeout):
                await confirmed
        except PublicationRefusedError as error:
            advice = "check the broker's access rules"
            self._refusal = PublicationRefusedError(f"{self._where}: no message to {topic} ({error}); {advice}")
            raise self._refusal from error
        except TimeoutError as error:
            raise BrokerError(f"{self._where}: a message to {topic} was not confirmed in {self.timeout:g} s") from error
        finally:
            del self._unconfirmed[mid]

    async def subscribe_confirmed(self, topic: str) -> None:
        """Subscribes at QoS 1.

        Raises:
            BrokerError: The broker refuses the subscription or does not answer in time, or the connection is lost.
        """
        answer = self._subscription(topic)
        with self._own_errors():
            self._check_granted(topic, await self._wait_for(answer, timeout=None))

    def subscribe_soon(self, topic: str) -> None:
        """Subscribes at QoS 1, without waiting for the answer, which comes after the messages that are on their way.

        A refusal ends the connection, and `wait_disconnected` raises it.
        """
        self._subscription(topic).add_done_callback(functools.partial(self._end_where_refused, topic))

    def _subscription(self, topic: str) -> asyncio.Future[Any]:
        """Asks for a subscription; the broker's codes are the future's result."""
        options = SubscribeOptions(qos=1, retainHandling=_RETAINED_ONCE) if self._version_5 else None
        asked, mid = self._client.subscribe(topic, qos=0 if self._version_5 else 1, options=options)
        if mid is None:
            raise BrokerError(f"{self._where}: cannot subscribe to {topic}: {error_string(asked)}")
        self._pending_subscribes[mid] = answer = self._loop.create_future()
        return answer

    def _check_granted(self, topic: str, answer: Iterable[ReasonCode | int]) -> None:
        refused = [code for code in answer if _value(code) >= _FIRST_FAILURE]
        if refused:
            raise BrokerError(
                f"{self._where}: no subscription to {topic} ({refused[0]}); check the broker's access rules"
            )

    def _end_where_refused(self, topic: str, answer: asyncio.Future[Any]) -> None:
        try:
            self._check_granted(topic, answer.result())
        except BrokerError as error:
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    async def unsubscribe_confirmed(self, topic: str) -> None:
        """Ends a subscription.

        Raises:
            BrokerError: The connection is lost, or the broker does not answer in time.
        """
        with self._own_errors():
            await self.unsubscribe(topic)

    def unsubscribe_soon(self, topic: str) -> None:
        """Ends a subscription, without waiting for the answer, which comes after the messages that are on their way."""
        _, mid = self._client.unsubscribe(topic)
        if mid is not None:
            self._pending_unsubscribes[mid] = asyncio.Event()  # lest aiomqtt wonder at the answer

    def acknowledge(self, message: MQTTMessage) -> None:
        """Tells the broker that a delivered message is done with, so that it need not be sent again."""
        self._client.ack(message.mid, message.qos)

    async def incoming(self) -> AsyncGenerator[aiomqtt.Message]:
        """Yields messages, acknowledged as they come, where none was to be delivered otherwise.

        Raises:
            BrokerError: The connection is lost.
        """
        with self._own_errors():
            async for message in self.messages:
                yield message

    async def wait_disconnected(self) -> None:
        """Waits until the connection is lost.

        Raises:
            BrokerError: Always, unless the client itself disconnected.
        """
        try:
            await asyncio.shield(self._disconnected)
        except (aiomqtt.MqttError, OSError) as error:
            raise self._loss(error) from error

    def _loss(self, error: Exception) -> BrokerError:
        # Mosquitto closes the connection after a refusal, which then is the better explanation.
        return self._refusal or BrokerError(f"{self._where}: the connection is lost ({error})")

    async def __aenter__(self) -> Self:
        """Connects.

        Raises:
            BrokerError: The broker cannot be reached or does not want us.
        """
        with self._own_errors():
            return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Says goodbye, and closes the socket even where that failed."""
        try:
            with self._own_errors():
                await super().__aexit__(kind, error, trace)
        finally:
            self._client._sock_close()  # noqa: SLF001  (aiomqtt leaves it open after an error, and paho has no other way)

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except aiomqtt.MqttError as error:
            raise BrokerError(f"{self._where}: {error}{_advice(error, self.settings)}") from error

    def _on_connect(
        self,
        client: PahoClient,
        userdata: Any,  # noqa: ANN401  (the library's signature)
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self.session_present = flags.session_present
        if (allowed := getattr(properties, "ReceiveMaximum", None)) is not None:
            # paho sends on regardless, and a broker disconnects who exceeds what it allowed (MQTT 5, 3.3.4).
            self._send_quota = asyncio.Semaphore(min(allowed, _MOST_UNCONFIRMED))
        super()._on_connect(client, userdata, flags, reason_code, properties)

    # In place of aiomqtt's own readers and writers, which know no pause and may come to a socket already closed. paho
    # calls these from the thread that connects as well as from the event loop's.

    def _on_socket_open(self, client: PahoClient, userdata: Any, sock: socket.socket) -> None:  # noqa: ANN401, ARG002
        self._loop.call_soon_threadsafe(self._socket_opened, sock)

    def _on_socket_register_write(self, client: PahoClient, userdata: Any, sock: socket.socket) -> None:  # noqa: ANN401, ARG002
        self._loop.call_soon_threadsafe(self._socket_has_output, sock)

    def _socket_opened(self, sock: socket.socket) -> None:
        if sock.fileno() != _CLOSED:
            self._loop.add_reader(sock, self._read)
            self._misc_task = self._loop.create_task(self._misc_loop(), name="mqtt-keepalive")

    def _socket_has_output(self, sock: socket.socket) -> None:
        if sock.fileno() != _CLOSED:
            self._loop.add_writer(sock, self._write)

    def _read(self) -> None:
        """Reads packet by packet, until the socket or we have had enough."""
        with self._fatal_errors():
            while not self._paused:
                self._client.loop_read()
                del self._client._in_packet["packet"][MOST_PACKET_BYTES:]  # noqa: SLF001
                sock = self._client.socket()
                if not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
                    return

    def _receive(self, bufsize: int) -> bytes:
        """Keeps paho from reading a giant message in one go."""
        return PahoClient._sock_recv(self._client, min(bufsize, _READ_BYTES))  # noqa: SLF001

    def _handle_publish(self) -> MQTTErrorCode:
        """Comes between paho and a message that it has received."""
        if self._version_5:
            received = self._client._in_packet  # noqa: SLF001
            qos = received["command"] >> 1 & 0b11
            received["packet"] = with_request_properties_only(received["packet"], qos)
        return PahoClient._handle_publish(self._client)  # noqa: SLF001

    def _write(self) -> None:
        with self._fatal_errors():
            self._client.loop_write()

    @contextmanager
    def _fatal_errors(self) -> Iterator[None]:
        """Whatever goes wrong with the socket, the connection is of no more use."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            self._lost(aiomqtt.MqttError(str(error)))
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    def _on_disconnect(
        self,
        client: PahoClient,
        userdata: Any,  # noqa: ANN401
        flags: DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        self._lost(aiomqtt.MqttError("the broker closed the connection before it answered"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _lost(self, error: Exception) -> None:
        """Ends the wait for the broker's answers, which would last its full time otherwise."""
        if not self._connected.done():
            self._connected.set_exception(error)
        for confirmed in self._unconfirmed.values():
            if not confirmed.done():
                confirmed.set_exception(self._loss(error))

    def _on_message(self, client: PahoClient, userdata: Any, message: MQTTMessage) -> None:  # noqa: ANN401
        if self._deliver is None:
            super()._on_message(client, userdata, message)
        else:
            self._deliver(message)

    def _on_publish(
        self,
        client: PahoClient,
        userdata: Any,  # noqa: ANN401
        mid: int,
        reason_code: ReasonCode,
        properties: Properties,
    ) -> None:
        confirmed = self._unconfirmed.get(mid)
        if confirmed is None:
            super()._on_publish(client, userdata, mid, reason_code, properties)
        elif confirmed.done():
            return
        elif reason_code.is_failure:
            confirmed.set_exception(PublicationRefusedError(str(reason_code)))
        else:
            confirmed.set_result(None)


def _advice(error: aiomqtt.MqttError, settings: BrokerSettings) -> str:
    cause = error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "; check broker.ca_file and that broker.host is the name in its certificate"
    if isinstance(cause, ssl.SSLError):
        return "; check that this port speaks TLS, and broker.certificate_file if it asks for one"
    if isinstance(cause, ConnectionRefusedError | socket.gaierror | TimeoutError):
        return "; check broker.host and broker.port, and that the broker runs"
    if isinstance(error, MqttConnectError):
        return f"; check broker.username, broker.password_file and broker.protocol (now '{settings.protocol}')"
    return ""


def _value(code: ReasonCode | int) -> int:
    return code.value if isinstance(code, ReasonCode) else code


def _connect_properties(settings: BrokerSettings, *, persistent: bool) -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = settings.receive_maximum
    properties.SessionExpiryInterval = settings.session_expiry_seconds if persistent else 0
    return properties


def _password(settings: BrokerSettings) -> str | None:
    if settings.password_file is None:
        return None
    return read_password("broker.password_file", settings.password_file).get_secret_value()
