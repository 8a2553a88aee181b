"""A connection to an MQTT broker that loses no message.

The caller acknowledges what it has received, and waits until the broker has confirmed what it has published. Every wait
ends when the connection does, with the reason.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

from stream.credentials import broker_tls
from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.encoding import (
    acknowledgement_packet,
    publish_packet,
    publish_packet_bytes,
    publish_properties,
    subscribe_packet,
    unsubscribe_packet,
)
from stream.mqtt.failures import refused_publication, refused_subscription
from stream.mqtt.incoming import IncomingMessages
from stream.mqtt.link import Deliver, Link
from stream.mqtt.options import login
from stream.mqtt.packets import BrokerLimits, Headers, MalformedPacketError, Message, Will
from stream.mqtt.reason_codes import FIRST_FAILURE, Code
from stream.mqtt.versions import Versions
from stream.settings import BrokerSettings

logger = logging.getLogger(__name__)


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
        self._login = login(settings, identifier, will, persistent=persistent)
        self._tls = broker_tls(settings)
        self._versions = versions or Versions(settings)
        self.queued = IncomingMessages(self.pause, self.resume)
        """The messages that `incoming` has not yielded yet."""
        self._deliver: Deliver = self.queued.put
        self.link = self._new_link(version_5=self._versions.to_try()[0])
        """The link that is used; another one for each attempt to connect."""
        self._refusal: PublicationRefusedError | None = None

    @property
    def protocol(self) -> str:
        """The version of MQTT that is spoken: '5' or '3.1.1'."""
        return "5" if self.link.version_5 else "3.1.1"

    @property
    def connected(self) -> bool:
        """True from the acceptance of the connection until its end."""
        return self.link.connected

    @property
    def session_present(self) -> bool:
        """True if the broker has kept the session; known once connected."""
        return self.link.answer.session_present

    @property
    def limits(self) -> BrokerLimits:
        """The broker's limits; known once connected."""
        return self.link.answer.limits

    @property
    def certificate_expiry_seconds(self) -> float | None:
        """End of the validity of the broker's certificate, Unix time; None without TLS."""
        transport = self.link.stream.transport
        certificate = transport.get_extra_info("peercert") if transport else None
        return ssl.cert_time_to_seconds(certificate["notAfter"]) if certificate else None

    def deliver_to(self, deliver: Deliver) -> None:
        """Call `deliver` with each message, and leave its acknowledgement to the caller.

        To be called before the connection is entered: a broker that knows the session sends at once.
        """
        self._deliver = self.link.deliver = deliver

    def pause(self) -> None:
        """Read nothing more, so that the messages stay in the broker.

        Needed beside the receive maximum: QoS 0 and MQTT 3.1.1 have none, and Mosquitto 2.0.11 exceeds it once a first
        message is acknowledged. Confirmations are not read either, so publish over another connection.
        """
        self.link.pause()

    def resume(self) -> None:
        """Read again."""
        self.link.resume()

    async def publish_confirmed(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        response_topic: str | None = None,
        correlation_data: bytes | None = None,
        headers: Headers | None = None,
    ) -> None:
        """Publish at QoS 1 and wait until the broker has confirmed the message.

        A broker that supports QoS 0 alone confirms nothing, and one that keeps no retained messages gets none.

        Args:
            topic: The topic.
            payload: The message.
            retain: Whether the broker keeps it for later subscribers.
            response_topic: The topic at which an answer is expected (MQTT 5, 4.10); left out with MQTT 3.1.1.
            correlation_data: Data that the answer repeats; left out with MQTT 3.1.1.
            headers: Content type and user properties; left out with MQTT 3.1.1.

        Raises:
            BrokerError: The connection is lost, or the broker does not answer in time.
            PublicationRefusedError: The broker refuses the message, or it is larger than the broker accepts.
        """
        self._check_connected()
        link, limits = self.link, self.link.answer.limits
        properties = publish_properties(response_topic, correlation_data, headers) if link.version_5 else b""
        retain = retain and limits.retain_available
        if limits.maximum_packet_bytes is not None:
            self._check_size(topic, payload, properties, limits.maximum_packet_bytes)
        if limits.maximum_qos == 0:
            link.send(publish_packet(topic.encode(), payload, 0, retain=retain, properties=properties))
            return
        try:
            await link.publications.publish(topic, payload, retain=retain, properties=properties)
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
            try:
                self._check_granted(topic, answer.result())
            except BrokerError as error:
                self.link.fail(error)  # does nothing if the connection has ended already

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
            self.link.send(acknowledgement_packet(message.packet_id))

    async def incoming(self) -> AsyncGenerator[Message]:
        """Yield the messages, each acknowledged as it is taken, where `deliver_to` was not called.

        Raises:
            BrokerError: The connection is lost.
        """
        while (message := await self.queued.get()) is not None:
            self.acknowledge(message)
            yield message
        await self.wait_disconnected()

    async def wait_disconnected(self) -> None:
        """Wait until the connection has ended.

        Raises:
            BrokerError: Always, unless this side has closed the connection.
        """
        link = self.link
        await link.ended.wait()
        if link.closing:
            return
        if link.error is not None and not isinstance(link.error, OSError | MalformedPacketError | BrokerError):
            raise link.error  # an error of the program, most likely in `deliver`
        # Some brokers close the connection after a refusal, which then explains more than the end does.
        raise (self._refusal if link.error is None and self._refusal else link.loss()) from link.error

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
                link = self.link
                if not self._versions.other_may_help(error, hung_up=link.hung_up, silent=link.silent):
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
        if kind is None:
            await self.link.close()
        else:
            await self.link.abort()

    async def _connect(self, *, version_5: bool) -> None:
        """Connect with one version of MQTT, again where the broker cannot do what the will asks for."""
        try:
            await self._open_link(version_5=version_5)
        except BrokerError as error:
            will = self._login.will
            if will is None or error.reason_code not in (Code.RETAIN_NOT_SUPPORTED, Code.QOS_NOT_SUPPORTED):
                raise
            self._login = self._login._replace(will=will._replace(retain=False, qos=0))
            await self._open_link(version_5=version_5)
        self._versions.accepted(version_5=version_5)

    async def _open_link(self, *, version_5: bool) -> None:
        self.link = self._new_link(version_5=version_5)
        await self.link.open()

    def _new_link(self, *, version_5: bool) -> Link:
        return Link(
            self.settings,
            self._login,
            self._tls,
            version_5=version_5,
            deliver=self._deliver,
            on_end=self._on_end,
        )

    def _on_end(self) -> None:
        """End the iteration over messages, unless another version is still to be tried."""
        if self.link.answer.code == 0:
            self.queued.end()

    def _check_size(self, topic: str, payload: bytes, properties: bytes, most_bytes: int) -> None:
        if publish_packet_bytes(len(topic.encode()), len(payload), len(properties)) > most_bytes:
            raise refused_publication(self.link.broker, topic, Code.PACKET_TOO_LARGE)

    def _check_topic_filter(self, topic: str) -> None:
        """Refuse what the broker has said it cannot do."""
        if topic.startswith("$share/") and not self.limits.shared_subscriptions_available:
            raise refused_subscription(self.link.broker, topic, Code.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED)
        if not self.limits.wildcards_available and not {"+", "#"}.isdisjoint(topic):
            raise refused_subscription(self.link.broker, topic, Code.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED)

    def _check_connected(self) -> None:
        if self.link.ended.is_set():
            raise self.link.loss() from self.link.error
        if not self.link.connected:
            raise BrokerError(f"{self.link.broker}: not connected")

    def _subscribe(self, topic: str) -> asyncio.Future[bytes]:
        self._check_connected()
        self._check_topic_filter(topic)
        link = self.link
        packet_id = link.new_packet_id()
        link.send(subscribe_packet(packet_id, topic, version_5=link.version_5))
        return link.requests.expect(packet_id)

    def _unsubscribe(self, topic: str) -> asyncio.Future[bytes]:
        self._check_connected()
        link = self.link
        packet_id = link.new_packet_id()
        link.send(unsubscribe_packet(packet_id, topic, version_5=link.version_5))
        return link.requests.expect(packet_id)

    async def _answered(self, answer: asyncio.Future[bytes], what: str) -> bytes:
        seconds = self.settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError as error:
            raise BrokerError(f"{self.link.broker}: {what} was not answered in {seconds:g} s") from error

    def _check_granted(self, topic: str, codes: bytes) -> None:
        refused = [code for code in codes if code >= FIRST_FAILURE]
        if refused:
            raise refused_subscription(self.link.broker, topic, refused[0])
