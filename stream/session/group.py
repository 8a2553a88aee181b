"""The sharing of tweets within a group of nodes, on a broker that deals them strictly in turn, also to busy nodes.

A node whose window has been full for a while is behind. It leaves the group, works off the messages that the broker has
queued for it, and comes back. At least one node always stays: a node leaves only while another one is online and keeps
up. It publishes that it is behind before it looks at the others. The broker orders the messages of two nodes in the
same way for both, so if two nodes want to leave at once, the later one sees the message of the earlier one and stays.
If all nodes are behind, all stay.

A node that is away for another reason keeps its place: the broker queues its share until it is back.
"""

import asyncio
import logging
import re
import time
from enum import StrEnum

import orjson
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from stream.mqtt.packets import Message
from stream.session.connections import Connections
from stream.session.delivery import READ_AGAIN, Deliveries
from stream.session.subscriptions import subscribe, tweet_subscriptions
from stream.session.topics import ALL_GROUP_TOPICS, ALL_STATUS_TOPICS, ONLINE, group_topic, node_of, status_topic
from stream.settings import NODE_PATTERN, Settings
from stream.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

_NODE = re.compile(NODE_PATTERN)
_MOST_NODES = 1000
"""Names of nodes that are kept, at most: anyone who may publish can invent any number of them."""
_LOOK_SECONDS = 0.1
_FULL = READ_AGAIN - 0.25
"""The share of the window that is full at least while messages wait: it falls to READ_AGAIN and a batch below."""
_CAUGHT_UP = 0.25
"""The share of the window that may still be full when a node returns to the group."""


class State(StrEnum):
    """The state that a node publishes to its group."""

    KEEPING_UP = "keeping_up"
    BEHIND = "behind"


@with_config(ConfigDict(use_attribute_docstrings=True))
class GroupMessage(TypedDict):
    """The part that a node takes in its group."""

    group: str
    """Name of the group."""
    state: State
    """State of the node: `keeping_up` with its share of the tweets, or `behind`."""


class SoleSubscriber:
    """A node that takes all tweets.

    Args:
        settings: The topics of tweets.
        session: The connections.
    """

    def __init__(self, settings: Settings, session: Connections) -> None:
        self._subscriptions = tweet_subscriptions(settings)
        self._intake = session.intake

    async def join(self) -> None:
        """Take tweets from now on.

        Raises:
            BrokerError: The broker refuses the subscription.
        """
        for topic in self._subscriptions:
            await subscribe(self._intake, topic)

    async def balance(self) -> None:
        """Do nothing: there are no other nodes to share with."""

    async def leave(self) -> None:
        """Do nothing: the broker keeps new tweets until the node is back."""


class GroupMember:
    """A node that shares the tweets with the other nodes of its group.

    Args:
        settings: The node's name, its group, and when it counts as behind.
        session: The connections.
        deliveries: The messages in progress.
        metrics: Shows whether the node is in the group.
    """

    def __init__(self, settings: Settings, session: Connections, deliveries: Deliveries, metrics: Metrics) -> None:
        self._node = settings.node
        self._group = settings.broker.group
        self._subscriptions = tweet_subscriptions(settings)
        self._behind_seconds = settings.broker.behind_seconds
        self._session = session
        self._deliveries = deliveries
        self._in_group = metrics.in_group
        self._online: set[str] = set()
        self._keeping_up: set[str] = set()
        self._full_since: float | None = None
        session.outlet.deliver_to(self.receive)

    async def join(self) -> None:
        """Take a share of the tweets from now on.

        Raises:
            BrokerError: The broker refuses a subscription.
        """
        for topic in (ALL_STATUS_TOPICS, ALL_GROUP_TOPICS):
            await self._session.outlet.subscribe_confirmed(topic)
        for topic in self._subscriptions:
            await subscribe(self._session.intake, topic)
        await self._publish_state(State.KEEPING_UP)
        self._in_group.set(1)

    async def balance(self) -> None:
        """Leave the group while behind and return when caught up, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self.is_behind():
                await self._publish_state(State.BEHIND)
                if self.others():
                    await self._catch_up()
                await self._publish_state(State.KEEPING_UP)

    async def leave(self) -> None:
        """Leave the group for good and work off the queue, if another node takes over; else the broker keeps the share.

        Raises:
            BrokerError: The connection is lost.
        """
        await self._publish_state(State.BEHIND)
        if self.others():
            self._unsubscribe()
            await self._work_off_queue()
        self._in_group.set(0)

    async def _work_off_queue(self) -> None:
        while True:
            await self._deliveries.idle()
            # Once more, to wait for the answer: the broker sends the messages that it still has before that.
            for topic in self._subscriptions:
                await self._session.intake.unsubscribe_confirmed(topic)
            if not self._deliveries.fill:
                return

    async def _catch_up(self) -> None:
        """Stay out of the group until the window is nearly empty."""
        logger.info("behind: leaving the group to %s for a while", ", ".join(sorted(self.others())))
        self._unsubscribe()
        self._in_group.set(0)
        while self._deliveries.fill > _CAUGHT_UP:  # noqa: ASYNC110  (looked at as rarely as whether it is behind)
            await asyncio.sleep(_LOOK_SECONDS)
        for topic in self._subscriptions:
            await self._session.intake.subscribe_confirmed(topic)
        self._in_group.set(1)
        self._full_since = None
        logger.info("caught up: back in the group")

    def _unsubscribe(self) -> None:
        for topic in self._subscriptions:
            self._session.intake.unsubscribe_soon(topic)

    def is_behind(self) -> bool:
        """Return whether the window has been full for longer than the setting allows."""
        now = time.monotonic()
        if self._deliveries.fill < _FULL:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = now
        return self._full_since is not None and now - self._full_since > self._behind_seconds

    def others(self) -> set[str]:
        """Return the other nodes of this group that would take over this node's share."""
        return (self._online & self._keeping_up) - {self._node}

    async def _publish_state(self, state: State) -> None:
        message: GroupMessage = {"group": self._group or "", "state": state}
        await self._session.outlet.publish_confirmed(group_topic(self._node), orjson.dumps(message), retain=True)

    def receive(self, message: Message) -> None:
        """Take in the status or the state of a node."""
        self._session.outlet.acknowledge(message)
        node = node_of(message.topic)
        if not _NODE.fullmatch(node):
            return
        if message.topic == status_topic(node):
            _include(self._online, node, included=message.payload == ONLINE.encode())
        else:
            _include(self._keeping_up, node, included=self._keeps_up(message.payload))

    def _keeps_up(self, payload: bytes) -> bool:
        """Return whether a state is that of a node of this group that keeps up."""
        try:
            state = orjson.loads(payload)
        except orjson.JSONDecodeError:
            return False
        return bool(state == {"group": self._group, "state": State.KEEPING_UP})


def membership(
    settings: Settings, session: Connections, deliveries: Deliveries, metrics: Metrics
) -> SoleSubscriber | GroupMember:
    """Return a node's part: in the group that its settings name, or alone."""
    if settings.broker.group is None:
        return SoleSubscriber(settings, session)
    return GroupMember(settings, session, deliveries, metrics)


def _include(nodes: set[str], node: str, *, included: bool) -> None:
    if not included:
        nodes.discard(node)
    elif len(nodes) < _MOST_NODES:
        nodes.add(node)
