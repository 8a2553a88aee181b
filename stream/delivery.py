"""The promise: a tweet is acknowledged only after the broker has confirmed its label or its rejection.

Every message becomes a task that ends with the acknowledgement. When the connection is lost the tasks are cancelled
with it, for the broker still holds what was not acknowledged and sends it again.
"""

import asyncio
import logging
import time

from paho.mqtt.client import MQTTMessage, topic_matches_sub

from stream.errors import BrokerError, PublicationRefusedError
from stream.labelling import Labelling, labelling_metrics
from stream.messages import Reason, RejectedTweetError, Tweet
from stream.metrics import Metrics
from stream.mqtt import Client, response_properties
from stream.recent import RecentLabels
from stream.settings import Settings, TopicSettings
from stream.tokenizer import Tokens

logger = logging.getLogger(__name__)


class Deliveries:
    """Carries the messages of one connection through to their acknowledgement.

    Args:
        client: The connection.
        labelling: What makes labels.
        recent: The labels made lately, over all connections.
        settings: Topics and limits.
        metrics: Where tweets are counted.
    """

    def __init__(
        self, client: Client, labelling: Labelling, recent: RecentLabels, settings: Settings, metrics: Metrics
    ) -> None:
        self._client = client
        self._labelling = labelling
        self._recent = recent
        self._settings = settings
        self._metrics = metrics
        self._publish_seconds = metrics.stage_seconds.labels("publish")
        self._held = 0
        self._draining = False
        self._all_done = asyncio.Event()
        self._all_done.set()

    async def carry(self, message: MQTTMessage) -> None:
        """Labels or rejects one message, publishes the outcome, acknowledges the message.

        Raises:
            BrokerError: The broker does not take the outcome; the message stays unacknowledged.
        """
        if self._draining and message.qos:
            return  # unacknowledged: the broker keeps it for when this node is back
        self._metrics.received.inc()
        self._held += 1
        self._all_done.clear()
        try:
            with labelling_metrics(self._metrics):
                await self._outcome(message, received_at=time.time())
                self._client.acknowledge(message)
        finally:
            self._held -= 1
            if not self._held:
                self._all_done.set()

    async def drain(self) -> None:
        """Takes no more messages and waits until those taken are done with."""
        self._draining = True
        await self._all_done.wait()

    async def _outcome(self, message: MQTTMessage, received_at: float) -> None:
        payload = bytes(message.payload)
        try:
            self._check_room()
            tweet, tokens = self._labelling.read(payload)
        except RejectedTweetError as rejected:
            rejection = self._labelling.rejection(rejected, payload, received_at)
            await self._publish(self._settings.topics.rejected, rejection)
            await self._respond(message, rejection)
        else:
            await self._publish_label(message, tweet, tokens, received_at)

    def _check_room(self) -> None:
        if self._held > self._settings.limits.held_tweets:
            raise RejectedTweetError(Reason.OVERLOADED, f"{self._held - 1} tweets are held already")

    async def _publish_label(self, message: MQTTMessage, tweet: Tweet, tokens: Tokens, received_at: float) -> None:
        label = self._recent.find(tweet.id) if message.dup else None
        if label is None:
            label = self._recent.remember(tweet.id, await self._labelling.label(tweet, tokens, received_at))
        else:
            self._metrics.redelivered.inc()
        if not label.published:
            await self._publish(self._settings.topics.labels, label.payload)
            await self._respond(message, label.payload)
            label.published = True

    async def _publish(self, topic: str, payload: bytes) -> None:
        with self._publish_seconds.time():
            try:
                await self._client.publish_confirmed(topic, payload)
            except PublicationRefusedError as error:
                raise BrokerError(
                    f"the broker refuses messages to {topic} ({error}): check its access rules"
                ) from error

    async def _respond(self, message: MQTTMessage, payload: bytes) -> None:
        """Answers to the tweet's response topic; a topic that is not allowed costs its asker the answer, no more."""
        wanted = response_properties(message)
        if wanted is None:
            return
        topic, properties = wanted
        try:
            check_response_topic(topic, self._settings.topics)
            await self._client.publish_confirmed(topic, payload, properties=properties)
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
