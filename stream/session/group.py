"""Fair sharing within a group of nodes, over a broker that deals tweets strictly in turn, whoever is busy.

A node whose window has been full for a while is behind: it leaves the group, works off what the broker has queued for
it, and comes back. Never all of them: a node leaves only while it sees another that is online and keeps up. It says
that it is behind before it looks; the broker puts the words of two nodes in one order for both, so the later of two
that would leave at once sees the earlier one's word, and stays. Where all are behind, all stay.

A node that is away for other reasons keeps its place: the broker queues its share until it is back.
"""

import asyncio
import logging
import re
import time
from enum import StrEnum

import orjson

from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.session.connections import Connections
from stream.session.delivery import READ_AGAIN, Deliveries
from stream.session.topics import ALL_GROUP_TOPICS, ALL_STATUS_TOPICS, ONLINE, group_topic, node_of, status_topic
from stream.settings import NODE_PATTERN, Settings
from stream.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

_NODE = re.compile(NODE_PATTERN)
_MOST_NODES = 1000
"""Of which we keep the names: whoever may publish could make up any number."""
_LOOK_SECONDS = 0.1
_FULL = READ_AGAIN - 0.25
"""The share that is held at least where more waits: it falls to READ_AGAIN and a batch below."""
_CAUGHT_UP = 0.25
"""The share of the window that may still be full when a node comes back."""


class State(StrEnum):
    """What a node says of itself to the others of its group."""

    KEEPING_UP = "keeping_up"
    BEHIND = "behind"


def subscription(settings: Settings) -> str:
    """What a node subscribes to: all tweets, or in a group its share of them."""
    topic, group = settings.topics.tweet_topics[0], settings.broker.group
    return f"$share/{group}/{topic}" if group else topic


class SoleSubscriber:
    """A node that takes all tweets.

    Args:
        settings: The topic of tweets.
        session: The connections.
    """

    def __init__(self, settings: Settings, session: Connections) -> None:
        self._subscription = subscription(settings)
        self._intake = session.intake

    async def join(self) -> None:
        """Take tweets from now on.

        Raises:
            BrokerError: The broker does not let us.
        """
        await _subscribe(self._intake, self._subscription)

    async def keep_fair(self) -> None:
        """Have nobody to be fair to."""

    async def leave(self) -> None:
        """Leave what comes to the broker, which keeps it for us."""


class GroupMember:
    """A node that shares the tweets with the others of its group.

    Args:
        settings: The node's name, its group, and when it counts as behind.
        session: The connections.
        deliveries: What is held.
        metrics: Where the place in the group is shown.
    """

    def __init__(self, settings: Settings, session: Connections, deliveries: Deliveries, metrics: Metrics) -> None:
        self._node = settings.node
        self._group = settings.broker.group
        self._subscription = subscription(settings)
        self._behind_seconds = settings.broker.behind_seconds
        self._session = session
        self._deliveries = deliveries
        self._in_group = metrics.in_group
        self._online: set[str] = set()
        self._keeping_up: set[str] = set()
        self._full_since: float | None = None
        session.outlet.deliver_to(self._hear)

    async def join(self) -> None:
        """Take a share of the tweets from now on.

        Raises:
            BrokerError: The broker does not let us.
        """
        for topic in (ALL_STATUS_TOPICS, ALL_GROUP_TOPICS):
            await self._session.outlet.subscribe_confirmed(topic)
        await _subscribe(self._session.intake, self._subscription)
        await self._say(State.KEEPING_UP)
        self._in_group.set(1)

    async def keep_fair(self) -> None:
        """Leave while behind and return when caught up, for as long as it is let."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._is_behind():
                await self._say(State.BEHIND)
                if self._others():
                    await self._sit_out()
                await self._say(State.KEEPING_UP)

    async def leave(self) -> None:
        """Leave for good and work off what is queued, if another node takes our share; else the broker keeps it."""
        await self._say(State.BEHIND)
        if self._others():
            self._session.intake.unsubscribe_soon(self._subscription)
            await self._work_off_queue()
        self._in_group.set(0)

    async def _work_off_queue(self) -> None:
        while True:
            await self._deliveries.idle()
            # Once more, for its answer: the broker would have sent what it still has before that.
            await self._session.intake.unsubscribe_confirmed(self._subscription)
            if not self._deliveries.fill:
                return

    async def _sit_out(self) -> None:
        logger.info("behind: leaving the group to %s for a while", ", ".join(sorted(self._others())))
        self._session.intake.unsubscribe_soon(self._subscription)
        self._in_group.set(0)
        while self._deliveries.fill > _CAUGHT_UP:  # noqa: ASYNC110  (looked at as rarely as whether it is behind)
            await asyncio.sleep(_LOOK_SECONDS)
        await self._session.intake.subscribe_confirmed(self._subscription)
        self._in_group.set(1)
        self._full_since = None
        logger.info("caught up: back in the group")

    def _is_behind(self) -> bool:
        now = time.monotonic()
        if self._deliveries.fill < _FULL:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = now
        return self._full_since is not None and now - self._full_since > self._behind_seconds

    def _others(self) -> set[str]:
        """The nodes of this group, but for this one, that would take what we leave."""
        return (self._online & self._keeping_up) - {self._node}

    async def _say(self, state: State) -> None:
        message = orjson.dumps({"group": self._group, "state": state})
        await self._session.outlet.publish_confirmed(group_topic(self._node), message, retain=True)

    def _hear(self, message: Message) -> None:
        self._session.outlet.acknowledge(message)
        node = node_of(message.topic)
        if not _NODE.fullmatch(node):
            return
        if message.topic == status_topic(node):
            _keep(self._online, node, is_in=message.payload == ONLINE.encode())
        else:
            _keep(self._keeping_up, node, is_in=self._takes_a_share(message.payload))

    def _takes_a_share(self, payload: bytes) -> bool:
        try:
            said = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return False
        return bool(said == {"group": self._group, "state": State.KEEPING_UP})


def membership(
    settings: Settings, session: Connections, deliveries: Deliveries, metrics: Metrics
) -> SoleSubscriber | GroupMember:
    """Find a node's place: in the group that its settings name, or alone."""
    if settings.broker.group is None:
        return SoleSubscriber(settings, session)
    return GroupMember(settings, session, deliveries, metrics)


async def _subscribe(intake: Connection, topic: str) -> None:
    """Subscribe, and wait for the answer only where it comes at once.

    In a session that the broker has kept it comes after all the tweets that waited for us, which may take hours; and
    such a session has its subscription.
    """
    if intake.session_present:
        intake.subscribe_soon(topic)
    else:
        await intake.subscribe_confirmed(topic)


def _keep(nodes: set[str], node: str, *, is_in: bool) -> None:
    if not is_in:
        nodes.discard(node)
    elif len(nodes) < _MOST_NODES:
        nodes.add(node)
