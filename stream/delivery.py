"""The promise: a tweet is acknowledged only after the broker has confirmed its label or its rejection.

Every message becomes a task that ends with the acknowledgement. When the connection is lost the tasks are cancelled
with it, for the broker still holds what was not acknowledged and sends it again.
"""

import asyncio
import logging
import time
from dataclasses import dataclass

from paho.mqtt.client import MQTTMessage, topic_matches_sub

from stream.errors import PublicationRefusedError
from stream.labelling import Labelling, labelling_metrics
from stream.messages import RejectedTweetError, Tweet
from stream.metrics import Metrics
from stream.mqtt import Client, response_properties
from stream.recent import RecentLabels
from stream.settings import Settings, TopicSettings
from stream.tokenizer import Tokens

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """Two connections: when enough tweets are held no more are read, but the confirmations of results must be."""

    intake: Client
    """Where tweets come from; the broker keeps this session while we are away."""
    outlet: Client
    """Where results go."""


class Deliveries:
    """Carries the messages of one session through to their acknowledgement.

    Args:
        tasks: What runs the work; its owner cancels it when the session is lost.
        session: The connections.
        labelling: What makes labels.
        recent: The labels made lately, over all sessions.
        settings: Topics and how many tweets may be held.
        metrics: Where tweets are counted.
    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        session: Session,
        *,
        labelling: Labelling,
        recent: RecentLabels,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._tasks = tasks
        self._intake = session.intake
        self._outlet = session.outlet
        self._labelling = labelling
        self._recent = recent
        self._topics = settings.topics
        self._most_held = settings.broker.receive_maximum
        self._metrics = metrics
        self._publish_seconds = metrics.stage_seconds.labels("publish")
        self._held = 0
        self._draining = False
        self._all_done = asyncio.Event()
        self._all_done.set()
        self._intake.deliver_to(self._take)

    async def drain(self) -> None:
        """Takes no more messages and waits until those taken are done with."""
        self._draining = True
        self._intake.pause()
        await self._all_done.wait()

    def _take(self, message: MQTTMessage) -> None:
        work = self._carry(message)
        try:
            self._tasks.create_task(work, name=f"tweet-{message.mid}")
        except RuntimeError:  # the group is ending, and the session with it: the broker still holds the message
            work.close()
            return
        self._held += 1
        self._all_done.clear()
        if self._held >= self._most_held:
            self._intake.pause()

    def _done(self) -> None:
        self._held -= 1
        if not self._draining:
            self._intake.resume()
        if not self._held:
            self._all_done.set()

    async def _carry(self, message: MQTTMessage) -> None:
        """Labels or rejects one message, publishes the outcome, acknowledges the message.

        Raises:
            BrokerError: The broker does not take the outcome; the message stays unacknowledged.
        """
        self._metrics.received.inc()
        try:
            with labelling_metrics(self._metrics):
                await self._outcome(message, received_at=time.time())
                self._intake.acknowledge(message)
        finally:
            self._done()

    async def _outcome(self, message: MQTTMessage, received_at: float) -> None:
        payload = bytes(message.payload)
        try:
            tweet, tokens = self._labelling.read(payload)
        except RejectedTweetError as rejected:
            rejection = self._labelling.rejection(rejected, payload, received_at)
            await self._publish(self._topics.rejected, rejection)
            await self._respond(message, rejection)
        else:
            await self._publish_label(message, tweet, tokens, received_at)

    async def _publish_label(self, message: MQTTMessage, tweet: Tweet, tokens: Tokens, received_at: float) -> None:
        label = self._recent.find(tweet.id) if message.dup else None
        if label is None:
            label = await self._labelling.label(tweet, tokens, received_at)
            self._recent.remember(tweet.id, label)
        else:
            self._metrics.redelivered.inc()
        # Also one that the broker confirmed before: if it lost the acknowledgement it may have lost the label too.
        await self._publish(self._topics.labels, label)
        await self._respond(message, label)

    async def _publish(self, topic: str, payload: bytes) -> None:
        with self._publish_seconds.time():
            await self._outlet.publish_confirmed(topic, payload)

    async def _respond(self, message: MQTTMessage, payload: bytes) -> None:
        """Answers to the tweet's response topic; a topic that is not allowed costs its asker the answer, no more."""
        wanted = response_properties(message)
        if wanted is None:
            return
        topic, properties = wanted
        try:
            check_response_topic(topic, self._topics)
            await self._outlet.publish_confirmed(topic, payload, properties=properties)
        except PublicationRefusedError as error:
            self._metrics.responses_refused.inc()
            logger.warning("no answer was sent to the response topic %.80r: %s", topic, error)


def check_response_topic(topic: str, topics: TopicSettings) -> None:
    """Lets no sender of tweets make this node, with its rights, publish wherever they like.

    Raises:
        PublicationRefusedError: Answers may not go to that topic.
    """
    own = topic in (topics.labels, topics.rejected) or topic_matches_sub(topics.tweets, topic)
    if own or "+" in topic or "#" in topic:
        raise PublicationRefusedError("it is no topic for answers")
    if not topic.startswith(tuple(topics.response_prefixes)):
        raise PublicationRefusedError(f"topics.response_prefixes allows {', '.join(topics.response_prefixes)}")
