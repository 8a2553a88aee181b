"""The delivery of tweets: each is acknowledged only after the broker has confirmed its labels or its rejection.

Every message becomes a task that ends with the acknowledgement. When the connection is lost the tasks are cancelled
with it: the broker still has the messages that were not acknowledged, and sends them again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from stream.errors import PublicationRefusedError
from stream.labelling.in_progress import InProgress
from stream.labelling.pipeline import LabellingPipeline, MadeLabel, Outcome, ReadTweet, labelling_metrics
from stream.labelling.recent import RecentResults
from stream.mqtt.packets import Message
from stream.session.connections import Connections
from stream.session.envelope import Envelope
from stream.session.proof import is_proof
from stream.session.refusals import Kind, Refusals, Result
from stream.session.results import Results, refusal_detail, without
from stream.session.topics import OWN_PREFIX
from stream.settings import Settings, TopicSettings
from stream.telemetry.metrics import Metrics
from stream.topic_filters import matches
from stream.tweets.rejections import Reason, RejectedTweetError

logger = logging.getLogger(__name__)

READ_AGAIN = 0.75
"""The share of the window that may be full when reading is resumed, so that many messages are read at once."""
_MOST_TOPIC_BYTES = 256
_MOST_SLASHES = 7
"""The limits of the strictest of the common brokers, which disconnect a client that exceeds them."""


@dataclass(frozen=True)
class Remembered:
    """Memory of a node over all its sessions."""

    recent: RecentResults[tuple[str, str | None], tuple[Outcome, ...]]
    """The labels made lately, as they were published, by the tweet's id and the entity that its message names."""
    refusals: Refusals
    """The results that the broker refused."""


class Deliveries:
    """Carries the messages of one session through to their acknowledgement.

    Args:
        tasks: The group that runs the work; its owner cancels it when the session is lost.
        session: The connections.
        labelling: Makes the labels.
        remembered: What the node remembers of earlier sessions.
        settings: The topics, and the number of tweets that may be held.
        metrics: Counts the tweets.
    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        session: Connections,
        *,
        labelling: LabellingPipeline,
        remembered: Remembered,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._tasks = tasks
        self._intake = session.intake
        self._labelling = labelling
        self._remembered = remembered
        self._recent = remembered.recent
        self._topics = settings.topics
        self._most_held = settings.broker.receive_maximum
        self._metrics = metrics
        timed = metrics.stage_seconds.labels("publish").time
        self._results = Results(session.outlet, remembered.refusals, timed, Envelope(settings))
        self._held = InProgress()
        self._draining = False
        self.on_arrival: Callable[[], None] = lambda: None
        """Callback for each message that arrives, before it is taken."""
        self._intake.deliver_to(self.take)

    @property
    def fill(self) -> float:
        """The share of the window that is full, 0 to 1."""
        return len(self._held) / self._most_held

    async def drain(self) -> None:
        """Take no more messages and wait until those taken are done."""
        self._draining = True
        self._intake.pause()
        await self.idle()

    async def idle(self) -> None:
        """Wait until no message is held."""
        await self._held.idle()

    def oldest_seconds(self) -> float:
        """Return the seconds since the oldest message in progress was taken; 0 without one."""
        return self._held.oldest_seconds()

    def take(self, message: Message) -> None:
        """Start the work on a message from the broker."""
        self.on_arrival()
        if is_proof(message.payload):
            self._intake.acknowledge(message)
            return
        number = self._held.begin()
        work = self._carry(message, number)
        try:
            self._tasks.create_task(work, name=f"tweet-{number}")
        except RuntimeError:  # the group is ending, and the session with it: the broker still holds the message
            work.close()
            self._held.end(number)
            return
        if len(self._held) >= self._most_held:
            self._intake.pause()

    def _done(self, number: int) -> None:
        self._held.end(number)
        if not self._draining and self.fill <= READ_AGAIN:
            self._intake.resume()

    async def _carry(self, message: Message, number: int) -> None:
        """Label or reject one message, publish the result, acknowledge the message.

        Raises:
            BrokerError: The connection is lost, or the broker refuses the topic; the message stays unacknowledged.
        """
        self._metrics.received.inc()
        try:
            with labelling_metrics(self._metrics):
                await self._label_or_reject(message, number, received_at=time.time())
                self._intake.acknowledge(message)
        finally:
            self._done(number)

    async def _label_or_reject(self, message: Message, number: int, received_at: float) -> None:
        try:
            read = self._labelling.read(message.payload, *(message.headers or ()))
        except RejectedTweetError as rejected:
            await self._reject(message, number, rejected, received_at)
        else:
            await self._publish_outcomes(message, number, read, received_at)

    async def _publish_outcomes(self, message: Message, number: int, read: ReadTweet, received_at: float) -> None:
        key = read.tweet.id, read.tweet.entity
        outcomes = self._recent.find(key) if message.duplicate else None
        if outcomes is None:
            outcomes = await self._labelling.label(read, received_at)
            self._recent.remember(key, outcomes)
        else:
            self._metrics.redelivered.inc()
        for outcome in outcomes:
            # Also a label that the broker has confirmed before: if it lost the acknowledgement it may have lost both.
            if isinstance(outcome, MadeLabel):
                await self._publish_label(message, number, outcome, read.tweet.id, received_at)
            else:
                await self._reject(message, number, outcome, received_at)

    async def _publish_label(
        self, message: Message, number: int, made: MadeLabel, tweet_id: str, received_at: float
    ) -> None:
        label, refused = await self._publish_at(self._topics.labels, message, number, made)
        if refused:
            rejected = RejectedTweetError(Reason.LABEL_REFUSED, refusal_detail(refused), tweet_id)
            rejected.entity = made.entity
            await self._reject(message, number, rejected, received_at)
            return
        if made.topic is not None:
            await self._publish_at(made.topic, message, number, made)
        await self._respond(message, label, made.entity)

    async def _publish_at(
        self, topic: str, message: Message, number: int, made: MadeLabel
    ) -> tuple[bytes, PublicationRefusedError | None]:
        """Publish a label, without its text if it is refused with it; returns what was published, and the refusal."""
        label = made.payload
        refused = await self._publish(Result(Kind.LABEL, topic, label, message, made.entity), number)
        if refused:
            self._remembered.refusals.count(Kind.LABEL, refused)
        if refused and (short := without("text", label)):
            label = short
            refused = await self._publish(Result(Kind.SHORT_LABEL, topic, label, message, made.entity), number)
        return label, refused

    async def _reject(self, message: Message, number: int, rejected: RejectedTweetError, received_at: float) -> None:
        rejection, entity = self._labelling.rejection(rejected, message.payload, received_at), rejected.entity
        topic = self._topics.rejected
        refused = await self._publish(Result(Kind.REJECTION, topic, rejection, message, entity), number)
        if refused and entity is not None and (short := without("entity", rejection)):
            # The entity's name may be what makes it too large.
            rejection = short
            refused = await self._publish(Result(Kind.SHORT_REJECTION, topic, rejection, message, entity), number)
        if refused:
            self._remembered.refusals.count(Kind.REJECTION, refused)
        await self._respond(message, rejection, entity)

    async def _publish(self, result: Result, number: int) -> PublicationRefusedError | None:
        return await self._results.publish(result, lambda: self._held.renew(number))

    async def _respond(self, message: Message, payload: bytes, entity: str | None) -> None:
        """Reply to the tweet's response topic; the sender of a topic that is not allowed gets no reply."""
        topic = message.response_topic
        if topic is None:
            return
        try:
            check_response_topic(topic, self._topics, self._labelling.entities.topics)
            if refused := await self._results.publish_once(Result(Kind.REPLY, topic, payload, message, entity)):
                raise refused
        except PublicationRefusedError as error:
            self._metrics.responses_refused.inc()
            # Any sender of tweets could fill the log with these; the metric counts them.
            logger.debug("no reply was sent to the response topic %.80r: %s", topic, error)


def check_response_topic(topic: str, topics: TopicSettings, entity_topics: Collection[str] = ()) -> None:
    """Check a response topic, which the sender of a tweet chose and this node publishes to with its own rights.

    Args:
        topic: The topic.
        topics: The settings.
        entity_topics: The topics of the labels about entities.

    Raises:
        PublicationRefusedError: No reply may be published to that topic.
    """
    results = topic in {topics.labels, topics.rejected, *entity_topics} or any(
        matches(tweets, topic) for tweets in topics.tweet_topics
    )
    too_long = len(topic.encode()) > _MOST_TOPIC_BYTES or topic.count("/") > _MOST_SLASHES
    if results or too_long or not topic.isprintable() or "+" in topic or "#" in topic or topic.startswith(OWN_PREFIX):
        raise PublicationRefusedError("it is no topic for answers")
    if not topic.startswith(tuple(topics.response_prefixes)):
        raise PublicationRefusedError(f"topics.response_prefixes allows {', '.join(topics.response_prefixes)}")
