"""A broker without a network: sessions, retained messages and shared subscriptions, and the faults of real brokers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.packets import BrokerLimits, Message, Will
from stream.settings import BrokerSettings
from stream.topic_filters import matches


class Published(NamedTuple):
    """A message that a connection has published."""

    client: str
    topic: str
    payload: bytes
    retain: bool


class Session:
    """Subscriptions and unacknowledged messages of a client, which outlast its connections."""

    def __init__(self) -> None:
        self.subscriptions: set[str] = set()
        self.messages: dict[int, Message] = {}
        """Messages that were not acknowledged, by packet identifier."""
        self.connection: MemoryConnection | None = None
        self.sent = 0

    def put(self, message: Message) -> None:
        self.sent += 1
        message = message._replace(qos=1, packet_id=self.sent)
        self.messages[message.packet_id] = message
        if self.connection:
            self.connection.send(message)


class MemoryBroker:
    """The broker; `connection` takes the place of `Connection` in the tested module."""

    def __init__(self) -> None:
        self.protocol = "5"
        self.limits = BrokerLimits()
        self.certificate_expiry_seconds: float | None = None
        self.shares = True
        """False: it takes a shared subscription for an ordinary one."""
        self.keeps_messages = True
        """False: it keeps no message for an absent session."""
        self.keeps_sessions = True
        self.sends_again = True
        """False: it forgets what it has sent, also where it was not acknowledged."""
        self.refuses_connections: BrokerError | None = None
        self.undelivered: set[str] = set()
        """Topics whose messages it confirms and drops."""
        self.undelivered_to: set[str] = set()
        """Clients that get no message."""
        self.refused: dict[str, int] = {}
        """Reason codes of the topics to which nobody may publish."""
        self.refused_subscriptions: dict[str, BrokerError] = {}
        self.published: list[Published] = []
        self.published_at: list[float] = []
        self.calls: list[tuple[str, ...]] = []
        """Subscriptions, their ends and disconnections in order, with the client's name."""
        self.retained: dict[str, bytes] = {}
        self.sessions: dict[str, Session] = {}
        self.opened: list[MemoryConnection] = []
        self._turn = 0

    def connection(self, settings: BrokerSettings, **options: Any) -> "MemoryConnection":
        made = MemoryConnection(self, settings, **options)
        self.opened.append(made)
        return made

    def named(self, client: str) -> "MemoryConnection":
        """Return the client's last connection."""
        return next(one for one in reversed(self.opened) if one.client == client)

    def on(self, topic: str) -> list[bytes]:
        return [message.payload for message in self.published if message.topic == topic]

    def publish(self, topic: str, payload: bytes, *, publisher: str = "", retain: bool = False, **fields: Any) -> None:
        self.published.append(Published(publisher, topic, payload, retain))
        self.published_at.append(asyncio.get_running_loop().time())
        if topic in self.refused:
            raise PublicationRefusedError(f"no message to {topic}", reason_code=self.refused[topic])
        if retain:
            self.retained[topic] = payload
        if topic in self.undelivered:
            return
        message = Message(topic, payload, **fields)
        shared: dict[str, list[Session]] = {}
        for client, session in self.sessions.items():
            if client in self.undelivered_to or not (session.connection or self.keeps_messages):
                continue
            for topic_filter in sorted(session.subscriptions):
                if self._is_shared(topic_filter, topic):
                    shared.setdefault(topic_filter, []).append(session)
                elif matches(topic_filter, topic):
                    session.put(message)
        for members in shared.values():
            self._turn += 1
            members[self._turn % len(members)].put(message)

    def _is_shared(self, topic_filter: str, topic: str) -> bool:
        return self.shares and topic_filter.startswith("$share/") and matches(topic_filter.split("/", 2)[2], topic)

    def subscribe(self, session: Session, topic_filter: str) -> None:
        session.subscriptions.add(topic_filter)
        for topic, payload in self.retained.items():
            if matches(topic_filter, topic) and topic not in self.undelivered:
                session.put(Message(topic, payload, retain=True))


class MemoryConnection:
    """The part of `Connection` that the node's session uses."""

    def __init__(
        self,
        broker: MemoryBroker,
        settings: BrokerSettings,
        *,
        identifier: str | None = None,
        will: Will | None = None,
        persistent: bool = False,
        versions: object = None,
    ) -> None:
        self.broker, self.settings, self.will, self.versions = broker, settings, will, versions
        self.client = identifier or f"client-{len(broker.opened)}"
        self.persistent = persistent
        self.connected = False
        self.session_present = False
        self.error: BrokerError | None = None
        self.acknowledged: list[bytes] = []
        self._ended = asyncio.Event()
        self._queue: asyncio.Queue[Message] = asyncio.Queue()
        self._deliver: Callable[[Message], None] = self._queue.put_nowait
        self._session = Session()

    @property
    def protocol(self) -> str:
        return self.broker.protocol if self.settings.protocol == "auto" else self.settings.protocol

    @property
    def limits(self) -> BrokerLimits:
        return self.broker.limits

    @property
    def certificate_expiry_seconds(self) -> float | None:
        return self.broker.certificate_expiry_seconds

    async def __aenter__(self) -> Self:
        await asyncio.sleep(0)
        if self.broker.refuses_connections:
            raise self.broker.refuses_connections
        kept = self.broker.sessions.get(self.client) if self.persistent and self.broker.keeps_sessions else None
        self.session_present = kept is not None
        self._session = self.broker.sessions[self.client] = kept or Session()
        self._session.connection = self
        self.connected = True
        for message in list(self._session.messages.values()):
            self.send(message)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.connected:
            self.broker.calls.append((self.client, "disconnect"))
            self._end()

    def lose(self, error: BrokerError) -> None:
        """End the connection from the broker's side."""
        self.error = error
        self._end()
        if self.will:
            self.broker.publish(self.will.topic, self.will.payload, publisher=self.client, retain=self.will.retain)

    def _end(self) -> None:
        self.connected = False
        self._ended.set()
        self._session.connection = None
        if not self.persistent:
            self.broker.sessions.pop(self.client, None)

    def send(self, message: Message) -> None:
        """Send a message to the client."""
        if self.broker.sends_again:
            self._session.messages[message.packet_id] = message._replace(duplicate=True)
        else:
            self._session.messages.pop(message.packet_id)
        asyncio.get_running_loop().call_soon(self._receive, message)

    def _receive(self, message: Message) -> None:
        if self.connected:
            self._deliver(message)

    def _check(self) -> None:
        if not self.connected:
            raise self.error or BrokerError("the connection was closed")

    def deliver_to(self, deliver: Callable[[Message], None]) -> None:
        self._deliver = deliver

    def pause(self) -> None:
        self.broker.calls.append((self.client, "pause"))

    def resume(self) -> None:
        self.broker.calls.append((self.client, "resume"))

    def acknowledge(self, message: Message) -> None:
        self.acknowledged.append(message.payload)
        self._session.messages.pop(message.packet_id, None)

    async def publish_confirmed(self, topic: str, payload: bytes, *, retain: bool = False, **fields: Any) -> None:
        self._check()
        await asyncio.sleep(0)
        self._check()
        self.broker.publish(topic, payload, publisher=self.client, retain=retain, **fields)

    async def subscribe_confirmed(self, topic: str) -> None:
        await asyncio.sleep(0)
        self.subscribe_soon(topic)

    def subscribe_soon(self, topic: str) -> None:
        self._check()
        self.broker.calls.append((self.client, "subscribe", topic))
        if topic in self.broker.refused_subscriptions:
            raise self.broker.refused_subscriptions[topic]
        self.broker.subscribe(self._session, topic)

    async def unsubscribed(self, topic: str) -> None:
        self._check()
        await asyncio.sleep(0)
        self.broker.calls.append((self.client, "unsubscribe", topic))
        self._session.subscriptions.discard(topic)

    unsubscribe_confirmed = unsubscribed

    def unsubscribe_soon(self, topic: str) -> None:
        self._session.subscriptions.discard(topic)

    async def incoming(self) -> AsyncIterator[Message]:
        while True:
            message = await self._queue.get()
            self.acknowledge(message)
            yield message

    async def wait_disconnected(self) -> None:
        await self._ended.wait()
        if self.error:
            raise self.error
