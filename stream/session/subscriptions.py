"""The subscriptions of a node: those that its settings ask for, and the end of those that they no longer ask for.

The broker keeps the subscriptions of a session that it keeps. A node whose settings name another topic or group would
get each tweet through the old subscription too. So it remembers its subscriptions in a retained message on a topic of
its own, which needs no file and survives a new installation of the node, and ends those that are no longer wanted.
"""

import asyncio
import logging

import orjson

from stream.errors import BrokerError
from stream.mqtt.connection import Connection
from stream.session.connections import Connections
from stream.session.topics import node_tweets_topic, subscriptions_topic
from stream.settings import Settings

logger = logging.getLogger(__name__)

_MARKER = b"read"
"""A message that follows the retained one, or shows that there is none."""
_MOST_REMEMBERED = 100


def tweet_subscriptions(settings: Settings) -> tuple[str, ...]:
    """Return the topic filters of tweets; in a group each is shared."""
    return tuple(_shared(settings, topic) for topic in settings.topics.tweet_topics)


def node_subscription(settings: Settings) -> str:
    """Return the topic filter of messages to this node alone, shared as the tweets' are."""
    return _shared(settings, node_tweets_topic(settings.node))


def _shared(settings: Settings, topic: str) -> str:
    return f"$share/{settings.broker.group}/{topic}" if settings.broker.group else topic


class Subscriptions:
    """The subscriptions of a node, over all its sessions.

    Args:
        settings: The topics, the group and the node's name.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = subscriptions_topic(settings.node)
        self._wanted = {*tweet_subscriptions(settings), node_subscription(settings)}
        self.has_own_topics = True
        """False if the broker does not carry messages on topics of the node's own, beside its status."""
        self._remembered: set[str] | None = None
        """The retained message's; None: not read yet."""

    async def prepare(self, session: Connections) -> None:
        """Remember the wanted subscriptions beside the former ones, before the first of them is made.

        Raises:
            BrokerError: The connection is lost, or the broker refuses the message.
        """
        if self._remembered is None:
            self._remembered = await self._read(session)
        if self._remembered is not None:
            await self._remember(session.outlet, self._remembered | self._wanted)

    async def end_former(self, session: Connections) -> None:
        """End the subscriptions that are no longer wanted, and wait until the broker has done so.

        Raises:
            BrokerError: The connection is lost.
        """
        former = sorted((self._remembered or set()) - self._wanted)
        for topic in former:
            logger.info("ending the subscription to %s, which the settings no longer ask for", topic)
        await asyncio.gather(*(session.intake.unsubscribed(topic) for topic in former))
        if former:
            await self._remember(session.outlet, self._wanted)

    async def _remember(self, outlet: Connection, topics: set[str]) -> None:
        if topics != self._remembered:
            await outlet.publish_confirmed(self._topic, orjson.dumps(sorted(topics)), retain=True)
            self._remembered = topics

    async def _read(self, session: Connections) -> set[str] | None:
        """Read the retained message; without one, a kept session is that of a release that left none."""
        try:
            found = await read_remembered(self._settings)
        except BrokerError as error:
            self.has_own_topics = False
            logger.warning(
                "subscriptions of former settings are not ended, nor is it proven that tweets arrive: %s", error
            )
            return None
        self.has_own_topics = True
        if found is None:
            grouped = session.intake.session_present and self._settings.broker.group is not None
            return set(self._settings.topics.tweet_topics) if grouped else set()
        return found


async def read_remembered(settings: Settings) -> set[str] | None:
    """Read, over a connection of its own, the subscriptions that a node has remembered; None without a message.

    Raises:
        BrokerError: The broker cannot be reached, or does not carry the node's own messages.
    """
    topic = subscriptions_topic(settings.node)
    async with Connection(settings.broker) as connection:
        await connection.subscribe_confirmed(topic)
        await connection.publish_confirmed(topic, _MARKER)
        try:
            async with asyncio.timeout(settings.broker.timeout_seconds):
                message = await anext(connection.incoming())
        except TimeoutError as error:
            raise BrokerError(f"the broker does not bring back messages to {topic}: check its access rules") from error
    return None if message.payload == _MARKER else _decoded(message.payload)


def _decoded(payload: bytes) -> set[str]:
    try:
        topics = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return set()
    found = topics[:_MOST_REMEMBERED] if isinstance(topics, list) else []
    return {topic for topic in found if isinstance(topic, str) and topic}


async def subscribe(intake: Connection, topic: str) -> None:
    """Subscribe, and wait for the answer only where it comes at once.

    In a session that the broker has kept it comes after all the tweets that waited, which may take hours; and such a
    session has its subscription.

    Raises:
        BrokerError: The broker refuses the subscription, or the connection is lost.
    """
    if intake.session_present:
        intake.subscribe_soon(topic)
    else:
        await intake.subscribe_confirmed(topic)
