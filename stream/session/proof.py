"""Proof that tweets can arrive: messages that go through the broker and come back.

A granted subscription proves little. A broker without shared subscriptions may take `$share/…` for an ordinary topic,
and one with access rules may grant a subscription and then deliver nothing. So the node sends messages to itself:

- on its own topic, through the very session that tweets arrive by; in a group through a shared subscription to that
  topic, which has no other member. It shows that the session is served and that the broker shares.
- on a topic of tweets, to an ordinary subscription of a connection of its own. It shows that the user may read tweets.
  A user who may not publish there cannot show it, which is no fault: the recommended access rules are such.

Nodes recognise these messages and drop them. They are sent only where no tweet has arrived for a while.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from stream.errors import BrokerError, PublicationRefusedError
from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.session.connections import Connections
from stream.session.topics import node_tweets_topic
from stream.settings import Settings
from stream.telemetry.health import Health

logger = logging.getLogger(__name__)

_PREFIX: Final = b'{"starling_proof":"'
_CLOCK_SECONDS: Final = 0.001
"""A wait that is shorter than this is over."""


@with_config(ConfigDict(use_attribute_docstrings=True))
class ProofMessage(TypedDict):
    """A message that a node sends to itself."""

    starling_proof: str
    """A random number, in hexadecimal digits."""


class Reading(Enum):
    """The result of an attempt to read from a topic of tweets."""

    PROVEN = auto()
    SILENT = auto()
    """The broker accepted the message and did not deliver it."""
    NOT_ALLOWED = auto()
    """This user may not publish there, so nothing can be shown."""


def proof_message() -> bytes:
    """Return a new message."""
    return _PREFIX + uuid.uuid4().hex.encode() + b'"}'


def is_proof(payload: bytes) -> bool:
    """Return whether a message is one of these, of any node."""
    return payload.startswith(_PREFIX)


class Proof:
    """The proof of one session, given again and again while no tweet arrives.

    Args:
        settings: The topics, the node's name and the times.
        session: The connections.
        health: Shows why the subscription is not proven.
        busy: Returns whether tweets are in progress: reading may be paused then.
        with_tweets: Whether to read a topic of tweets at once, too, and not only after a while without tweets.
    """

    def __init__(
        self, settings: Settings, session: Connections, health: Health, busy: Callable[[], object], *, with_tweets: bool
    ) -> None:
        self._settings = settings
        self._session = session
        self._health = health
        self._busy = busy
        self._with_tweets = with_tweets
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._arrived_at = self._loop.time()
        """Time of the last arrival, by the event loop's clock."""

    def arrived(self) -> None:
        """Note that a message has arrived through the session, a tweet or a proof."""
        self._arrived_at = self._loop.time()
        self._arrived.set()

    async def keep(self) -> None:
        """Give the proof at once, and each time that nothing has arrived for a while, until cancelled.

        Raises:
            BrokerError: The connection is lost.
        """
        while self._settings.broker.proof_seconds:
            reason = await self._missing()
            self._report(reason)
            self._with_tweets = True
            seconds = self._settings.broker.proof_seconds
            if reason is not None:
                seconds = min(seconds, self._settings.broker.timeout_seconds)
                if not await self._arrives_within(seconds):
                    continue
            await self._quiet(seconds)

    async def _arrives_within(self, seconds: float) -> bool:
        """Wait until something arrives, at most so long; returns whether it did."""
        self._arrived.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return False
        self._report(None)
        return True

    async def _quiet(self, seconds: float) -> None:
        """Wait until nothing has arrived for so long; an arrival wakes nothing, as there may be thousands a second."""
        since, rest = self._loop.time(), seconds
        while rest > _CLOCK_SECONDS:
            await asyncio.sleep(rest)
            rest = max(since, self._arrived_at) + seconds - self._loop.time()

    async def _missing(self) -> str | None:
        """Return why no tweet can arrive; None where one can, as far as can be shown."""
        topic = node_tweets_topic(self._settings.node)
        self._arrived.clear()
        await self._session.outlet.publish_confirmed(topic, proof_message())
        try:
            async with asyncio.timeout(self._settings.broker.timeout_seconds):
                await self._arrived.wait()
        except TimeoutError:
            if self._busy():
                return None
            if self._settings.broker.group:
                return (
                    f"the broker delivers nothing to the shared subscription of group '{self._settings.broker.group}': "
                    "check that it supports shared subscriptions ($share/…), or leave out broker.group"
                )
            return f"the broker delivers nothing of {topic}: check its access rules for this user"
        return await self._unreadable() if self._with_tweets else None

    async def _unreadable(self) -> str | None:
        for topic in self._settings.topics.tweet_topics:
            try:
                reading = await prove_reading(self._settings, topic)
            except BrokerError as error:
                logger.debug("reading %s cannot be proven: %s", topic, error)
                continue
            if reading is Reading.SILENT:
                return unreadable(topic)
        return None

    def _report(self, reason: str | None) -> None:
        if reason is None:
            if self._health.obstacles.pop("subscription", None):
                logger.info("messages arrive through the subscription again")
        elif self._health.obstacles.get("subscription") != reason:
            self._health.obstacles["subscription"] = reason
            logger.warning("no tweet can arrive: %s", reason)


def unreadable(topic: str) -> str:
    """Return the sentence for a topic that is not delivered."""
    return f"the broker grants the subscription to {topic} and delivers nothing: check that this user may read there"


async def prove_reading(settings: Settings, topic_filter: str) -> Reading:
    """Publish to a topic of tweets and read it back, over a connection of its own.

    Over MQTT 3.1.1 a broker confirms also a message that it drops, so silence shows nothing there.

    Args:
        settings: The broker.
        topic_filter: The topic of tweets, perhaps with wildcards.

    Raises:
        BrokerError: The broker cannot be reached, or refuses the subscription.
    """
    message = proof_message()
    came_back = asyncio.Event()
    async with Connection(settings.broker) as connection:

        def take(received: Message) -> None:
            connection.acknowledge(received)
            if received.payload == message:
                came_back.set()

        connection.deliver_to(take)
        await connection.subscribe_confirmed(topic_filter)
        try:
            await connection.publish_confirmed(concrete(topic_filter), message)
        except PublicationRefusedError:
            return Reading.NOT_ALLOWED
        try:
            async with asyncio.timeout(settings.broker.timeout_seconds):
                await came_back.wait()
        except TimeoutError:
            return Reading.SILENT if connection.protocol == "5" else Reading.NOT_ALLOWED
    return Reading.PROVEN


async def prove_sharing(settings: Settings, topic: str) -> None:
    """Send a message through a shared subscription with one member.

    Args:
        settings: The broker, and the group.
        topic: A topic that this user may read and write.

    Raises:
        BrokerError: The broker does not deliver it.
    """
    message = proof_message()
    async with Connection(settings.broker) as connection:
        await _subscribe_shared(connection, f"$share/{settings.broker.group}/{topic}")
        await connection.publish_confirmed(topic, message)
        try:
            async with asyncio.timeout(settings.broker.timeout_seconds):
                async for received in connection.incoming():
                    if received.payload == message:
                        return
        except TimeoutError as error:
            raise BrokerError(
                "the broker grants a shared subscription ($share/…) and delivers nothing: leave out broker.group, or "
                "use a broker that supports shared subscriptions"
            ) from error


async def _subscribe_shared(connection: Connection, topic: str) -> None:
    """Subscribe, and say what it was where the broker hangs up instead of answering, as over MQTT 3.1.1 it may."""
    try:
        await connection.subscribe_confirmed(topic)
    except BrokerError as error:
        if error.reason_code is not None:
            raise
        raise BrokerError(
            f"no shared subscription ($share/…) comes about: {error}; leave out broker.group, or use a broker that "
            "supports shared subscriptions"
        ) from error


def concrete(topic_filter: str) -> str:
    """Return a topic that a filter matches."""
    return topic_filter.replace("+", "starling").replace("#", "starling")
