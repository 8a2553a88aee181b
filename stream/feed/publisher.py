"""Publication at QoS 1, in order, over a new connection where one is lost."""

import asyncio
import logging
from collections import deque

from stream.errors import BrokerError, PublicationRefusedError, ungrouped
from stream.feed.metrics import FeedMetrics
from stream.feed.progress import FeedHealth
from stream.feed.window import Outgoing, Window
from stream.mqtt.backoff import reconnect_delays
from stream.mqtt.connection import Connection
from stream.mqtt.reason_codes import Code
from stream.mqtt.versions import Versions
from stream.settings import BrokerSettings

logger = logging.getLogger(__name__)

_PAYLOAD_FORMAT_INVALID = 0x99
_OF_THE_MESSAGE = frozenset({Code.PACKET_TOO_LARGE, _PAYLOAD_FORMAT_INVALID})
"""Refusals that concern one message; after any other one, all messages would be refused."""
_MOST_FRUITLESS = 3
"""Connections in a row, lost with messages in flight and none confirmed, after which the messages go one by one."""


class Publisher:
    """Publishes messages until the input ends.

    Args:
        settings: The broker.
        in_flight: Messages sent and not confirmed, at most.
        window: Holds the messages until they are confirmed.
        metrics: Counts them.
        health: Learns about the connection and the progress.
    """

    def __init__(
        self, settings: BrokerSettings, in_flight: int, window: Window, metrics: FeedMetrics, health: FeedHealth
    ) -> None:
        self._settings = settings
        self._in_flight = in_flight
        self._window = window
        self._metrics = metrics
        self._health = health
        self._versions = Versions(settings)
        self._fruitless = 0
        self._confirmed = 0
        self._reached = False
        self._logged: set[int | None] = set()

    async def run(self) -> None:
        """Publish the messages of the window up to the last one, and return when the broker has them all.

        Raises:
            BrokerError: The broker cannot be reached at the start, unless the settings say to wait for it.
        """
        delays = reconnect_delays(self._settings.reconnect_seconds)
        ended = False
        while not ended:
            confirmed = self._confirmed
            self._health.publisher.expect_within(self._settings.timeout_seconds)
            try:
                async with Connection(self._settings, versions=self._versions) as connection:
                    self._note_connected()
                    with ungrouped():
                        await self._publish_over(connection)
                    ended = True
            except BrokerError as error:
                if not self._reached and not self._settings.wait_at_start:
                    raise
                if confirmed != self._confirmed:
                    delays = reconnect_delays(self._settings.reconnect_seconds)
                delay = next(delays)
                self._note_lost(error, fruitless=confirmed == self._confirmed, delay_seconds=delay)
                await asyncio.sleep(delay)
            finally:
                self._health.broker_connected = False
                self._metrics.broker_connected.set(0)
        self._health.publisher.expect_none()

    def _note_connected(self) -> None:
        if self._reached:
            self._metrics.broker_reconnects.inc()
            logger.info("the broker is connected again; %d messages are published again", len(self._unconfirmed()))
        self._reached = True
        self._health.broker_connected = True
        self._metrics.broker_connected.set(1)

    def _note_lost(self, error: BrokerError, *, fruitless: bool, delay_seconds: float) -> None:
        unconfirmed = self._unconfirmed()
        self._fruitless = self._fruitless + 1 if fruitless and unconfirmed else 0
        logger.warning("%s; %d messages wait for the broker", error, len(self._window))
        if self._fruitless >= 2 * _MOST_FRUITLESS:
            self._give_up(unconfirmed[0], error)
            self._fruitless = _MOST_FRUITLESS
        self._health.publisher.expect_within(delay_seconds + self._settings.timeout_seconds)

    def _unconfirmed(self) -> list[Outgoing]:
        return self._window.unconfirmed()

    async def _publish_over(self, connection: Connection) -> None:
        """Publish what is unconfirmed and what comes, until the connection is lost or the input ends."""
        most = 1 if self._fruitless >= _MOST_FRUITLESS else self._in_flight
        room = asyncio.Semaphore(most)
        again = deque(self._unconfirmed())
        async with asyncio.TaskGroup() as tasks:
            loss = tasks.create_task(connection.wait_disconnected(), name="broker-connection")
            while True:
                await room.acquire()
                if again:
                    message = again.popleft()
                else:
                    if not len(self._window):
                        self._health.publisher.expect_none()
                    following = await self._window.following()
                    if following is None:
                        room.release()
                        break
                    message = following
                    self._health.publisher.expect_within(self._settings.timeout_seconds)
                tasks.create_task(self._publish(connection, message, room), name="publish")
            for _ in range(most):  # until all have ended
                await room.acquire()
            loss.cancel()

    async def _publish(self, connection: Connection, message: Outgoing, room: asyncio.Semaphore) -> None:
        self._metrics.in_flight.inc()
        try:
            await connection.publish_confirmed(message.topic, message.payload)
        except PublicationRefusedError as error:
            if error.reason_code not in _OF_THE_MESSAGE:
                raise
            self._give_up(message, error)
        else:
            self._confirmed += 1
            self._metrics.published.labels(message.kind).inc()
            self._window.confirm(message)
        finally:
            self._metrics.in_flight.dec()
            room.release()
        self._fruitless = 0
        self._health.publisher.expect_within(self._settings.timeout_seconds)

    def _give_up(self, message: Outgoing, error: BrokerError) -> None:
        """Leave out a message that the broker does not take; the first of each kind of refusal is logged."""
        self._metrics.refused.labels(message.kind).inc()
        if error.reason_code not in self._logged:
            self._logged.add(error.reason_code)
            logger.warning(
                "the broker does not take a message, which is left out: %s; further ones are counted in "
                "starling_feed_messages_refused_total",
                error,
            )
        self._window.confirm(message)
