"""aiomqtt's client, with what a service needs that must not lose a message.

aiomqtt 2 acknowledges a message as soon as it is received, hides whether it was sent before, and takes a refused
publication for an accepted one. So it connects, subscribes, keeps alive and says goodbye here, and messages go another
way: `wire.py` reads them, `outbox.py` sends them and waits for their confirmations. These three files are the only ones
that reach for paho, the client inside aiomqtt.
"""

import asyncio
import functools
import socket
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import Any, Self, cast

import aiomqtt
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import ConnectFlags, DisconnectFlags, error_string
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.closing import lingering
from stream.mqtt.options import advice, connection_options
from stream.mqtt.outbox import Outbox
from stream.mqtt.packets import (
    PUBACK,
    TYPE_BITS,
    MalformedPacketError,
    Message,
    Packet,
    acknowledgement_packet,
    publish_properties,
    read_confirmation,
    read_publish,
)
from stream.mqtt.wire import Wire
from stream.settings import BrokerSettings

_FIRST_FAILURE = 0x80
"""MQTT 5, 2.4 and MQTT 3.1.1, 3.9.3: codes from here on say no."""
_RETAINED_ONCE = 1
"""MQTT 5, 3.8.3.1: send retained messages when the subscription is new, not whenever the client comes back."""

Deliver = Callable[[Message], None]


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
        options = connection_options(settings, persistent=persistent)
        super().__init__(settings.host, settings.port, identifier=identifier, will=will, **options)
        self.session_present = False
        self._version_5 = settings.protocol == "5"
        self._where = f"broker {settings.host}:{settings.port}"
        self._arrived: asyncio.Queue[Message | None] = asyncio.Queue()
        """What nobody had delivered otherwise; None is the end."""
        self._deliver: Deliver = self._keep
        self._refusal: PublicationRefusedError | None = None
        self._wire = Wire(self._client, self._take, self._broken)
        new_packet_id = self._client._mid_generate  # noqa: SLF001  (subscriptions and messages share the numbers)
        self._outbox = Outbox(self._where, self._wire.send, new_packet_id, settings.timeout_seconds)

    def deliver_to(self, deliver: Deliver) -> None:
        """Give each message to `deliver`, in the event loop, and leave its acknowledgement to the caller.

        To be called before the connection is made: a broker that knows the session sends at once.
        """
        self._deliver = deliver

    def pause(self) -> None:
        """Read nothing more, so that what the broker sends stays in the broker.

        Needed beside the receive maximum: QoS 0 and MQTT 3.1.1 know none, and Mosquitto 2.0.11 sends past it once a
        first message is acknowledged. Confirmations are not read either, so publish over another connection.
        """
        self._wire.pause()

    def resume(self) -> None:
        """Read again."""
        self._wire.resume()

    async def publish_confirmed(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        response_topic: str | None = None,
        correlation_data: bytes | None = None,
    ) -> None:
        """Publish at QoS 1 and wait until the broker has taken the message.

        Args:
            topic: Where to.
            payload: The message.
            retain: Whether the broker keeps it for those who subscribe later.
            response_topic: Where an answer is wanted (MQTT 5, 4.10); with MQTT 3.1.1 it stays here.
            correlation_data: By which whoever asked knows the answer; likewise.

        Raises:
            BrokerError: The connection is lost, or the broker does not answer in time.
            PublicationRefusedError: The broker does not want the message.
        """
        if self._client.socket() is None:
            raise BrokerError(f"{self._where}: the connection is lost")
        properties = publish_properties(response_topic, correlation_data) if self._version_5 else b""
        try:
            await self._outbox.publish(topic, payload, retain=retain, properties=properties)
        except PublicationRefusedError as error:
            self._refusal = error
            raise

    async def subscribe_confirmed(self, topic: str) -> None:
        """Subscribe at QoS 1.

        Raises:
            BrokerError: The broker refuses the subscription or does not answer in time, or the connection is lost.
        """
        answer = self._subscription(topic)
        with self._own_errors():
            self._check_granted(topic, await self._wait_for(answer, timeout=None))

    def subscribe_soon(self, topic: str) -> None:
        """Subscribe at QoS 1, without waiting for the answer, which comes after the messages that are on their way.

        A refusal ends the connection, and `wait_disconnected` raises it.
        """
        self._subscription(topic).add_done_callback(functools.partial(self._end_where_refused, topic))

    async def unsubscribe_confirmed(self, topic: str) -> None:
        """End a subscription.

        Raises:
            BrokerError: The connection is lost, or the broker does not answer in time.
        """
        with self._own_errors():
            await self.unsubscribe(topic)

    def unsubscribe_soon(self, topic: str) -> None:
        """End a subscription, without waiting for the answer, which comes after the messages that are on their way."""
        _, mid = self._client.unsubscribe(topic)
        if mid is not None:
            self._pending_unsubscribes[mid] = asyncio.Event()  # lest aiomqtt wonder at the answer

    def acknowledge(self, message: Message) -> None:
        """Tell the broker that a delivered message is done with, so that it need not be sent again."""
        if message.qos:
            self._wire.send(acknowledgement_packet(message.packet_id))

    async def incoming(self) -> AsyncGenerator[Message]:
        """Yield messages, acknowledged as they come, where none was to be delivered otherwise.

        Raises:
            BrokerError: The connection is lost.
        """
        while (message := await self._arrived.get()) is not None:
            yield message
        await self.wait_disconnected()

    async def wait_disconnected(self) -> None:
        """Wait until the connection is lost.

        Raises:
            BrokerError: Always, unless the client itself disconnected.
        """
        try:
            await asyncio.shield(self._disconnected)
        except aiomqtt.MqttError as error:
            # Mosquitto closes the connection after a refusal, which then is the better explanation.
            raise self._refusal or BrokerError(f"{self._where}: the connection is lost ({error})") from error

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            BrokerError: The broker cannot be reached or does not want us.
        """
        with self._own_errors():
            return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say goodbye, and close the socket even where that failed."""
        # After an error a new connection is wanted at once, and the broker sends again what it may have missed.
        in_peace = kind is None and not self._disconnected.done()
        sock = cast("socket.socket | None", self._client.socket()) if in_peace else None
        try:
            with self._own_errors():
                async with lingering(sock) if sock else nullcontext():
                    await super().__aexit__(kind, error, trace)
        finally:
            self._client._sock_close()  # noqa: SLF001  (aiomqtt leaves it open after an error, and paho has no other way)

    def _keep(self, message: Message) -> None:
        self._arrived.put_nowait(message)
        self.acknowledge(message)

    def _take(self, packet: Packet) -> None:
        """Take a message, or the confirmation of one of ours."""
        if packet.raw[0] & TYPE_BITS == PUBACK:
            self._outbox.confirm(*read_confirmation(packet))
        else:
            self._deliver(read_publish(packet, version_5=self._version_5))

    def _subscription(self, topic: str) -> asyncio.Future[Any]:
        """Ask for a subscription; the broker's codes are the future's result."""
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

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except aiomqtt.MqttError as error:
            raise BrokerError(f"{self._where}: {error}{advice(error, self.settings)}") from error

    def _broken(self, error: Exception) -> None:
        """End the connection, which is of no more use."""
        lost = aiomqtt.MqttError(str(error)) if isinstance(error, OSError | MalformedPacketError) else error
        self._lost(lost)
        if not self._disconnected.done():
            self._disconnected.set_exception(lost)

    def _lost(self, error: Exception) -> None:
        """End every wait for the broker; aiomqtt would wait for its first answer until the time is up."""
        if not self._connected.done():
            self._connected.set_exception(error)
        self._outbox.fail(f"the connection is lost ({error})")
        self._arrived.put_nowait(None)

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
            self._outbox.allow(allowed)
        super()._on_connect(client, userdata, flags, reason_code, properties)

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

    # paho calls the first of these from the thread that connects, and aiomqtt's own know no pause.

    def _on_socket_open(self, client: PahoClient, userdata: Any, sock: socket.socket) -> None:  # noqa: ANN401, ARG002
        self._loop.call_soon_threadsafe(self._socket_opened, sock)

    def _socket_opened(self, sock: socket.socket) -> None:
        if self._wire.opened(sock):
            self._misc_task = self._loop.create_task(self._misc_loop(), name="mqtt-keepalive")

    def _on_socket_close(self, client: PahoClient, userdata: Any, sock: socket.socket) -> None:  # noqa: ANN401
        self._wire.closing(sock)
        super()._on_socket_close(client, userdata, sock)

    def _on_socket_register_write(self, client: PahoClient, userdata: Any, sock: socket.socket) -> None:  # noqa: ANN401, ARG002
        self._loop.call_soon_threadsafe(client.loop_write)

    def _on_socket_unregister_write(self, client: PahoClient, userdata: Any, sock: socket.socket) -> None:  # noqa: ANN401
        """Leave that to the wire."""


def _value(code: ReasonCode | int) -> int:
    return code.value if isinstance(code, ReasonCode) else code
