"""The session with the broker: connect, announce, subscribe, label tweets, and reconnect after a loss."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from stream.errors import BrokerError, ungrouped
from stream.labelling.pipeline import LabellingPipeline
from stream.labelling.recent import RecentResults
from stream.mqtt.backoff import reconnect_delays
from stream.mqtt.connection import Connection
from stream.mqtt.packets import Will
from stream.mqtt.versions import Versions
from stream.session.connections import Connections
from stream.session.delivery import Deliveries, Remembered
from stream.session.group import GroupMember, SoleSubscriber, membership
from stream.session.losses import Losses
from stream.session.proof import Proof
from stream.session.refusals import Refusals
from stream.session.subscriptions import Subscriptions, node_subscription, subscribe
from stream.session.topics import OFFLINE, ONLINE, status_topic
from stream.settings import Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

_RECENT_WINDOWS = 16
"""Labels remembered, in receive maxima: a broker can send one receive maximum again, and losses may follow closely."""


class _NotDrainedError(BrokerError):
    """Unfinished tweets at the end of the time for draining; it ends the session, and with it the work on them."""


class NodeSession:
    """Keeps a session with the broker and labels the tweets that it delivers.

    Args:
        settings: Broker, topics, node, limits.
        labelling: Makes the labels.
        metrics: Counts connections and tweets.
        health: Shows the state of the connection.
    """

    def __init__(self, settings: Settings, labelling: LabellingPipeline, metrics: Metrics, health: Health) -> None:
        self._settings = settings
        self._labelling = labelling
        self._metrics = metrics
        self._health = health
        self._remembered = Remembered(
            RecentResults(_RECENT_WINDOWS * settings.broker.receive_maximum),
            Refusals(metrics, health, settings.broker.reconnect_seconds),
        )
        self._versions = Versions(settings.broker)
        self._subscriptions = Subscriptions(settings)
        self._losses = Losses(settings.node)
        self._ever_connected = False
        self._was_connected = False
        """True if the session that ended last had been established."""
        self._connected_at = time.monotonic()
        self._delays = reconnect_delays(settings.broker.reconnect_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Label tweets until `stop` is set, then drain.

        Raises:
            BrokerError: The first connection fails and the settings do not say to wait; later ones are tried again.
        """
        while not stop.is_set():
            try:
                await self._session(stop)
            except BrokerError as error:
                if not (self._ever_connected or self._settings.broker.wait_at_start):
                    raise
                if stop.is_set():
                    logger.warning("%s; the broker keeps the unfinished tweets for the next start", error)
                else:
                    await self._pause(stop, error)

    async def _pause(self, stop: asyncio.Event, error: BrokerError) -> None:
        lasted_seconds = time.monotonic() - self._connected_at
        hint = self._losses.hint(error, lasted_seconds) if self._was_connected else ""
        if lasted_seconds > self._settings.broker.reconnect_seconds:
            self._delays = reconnect_delays(self._settings.broker.reconnect_seconds)
        delay = next(self._delays)
        logger.warning("%s%s; next attempt in %.1f s", error, hint, delay)
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await stop.wait()

    async def _session(self, stop: asyncio.Event) -> None:
        with suppress(_NotDrainedError), ungrouped():
            async with asyncio.TaskGroup() as tasks:
                await self._serve(tasks, stop)

    async def _serve(self, tasks: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        self._was_connected = False
        session = self._connections()
        deliveries = Deliveries(
            tasks,
            session,
            labelling=self._labelling,
            remembered=self._remembered,
            settings=self._settings,
            metrics=self._metrics,
        )
        place = membership(self._settings, session, deliveries, self._metrics)
        proof = Proof(
            self._settings, session, self._health, lambda: deliveries.fill, with_tweets=not self._ever_connected
        )
        deliveries.on_arrival = proof.arrived
        with self._health.watching(deliveries.oldest_seconds):
            async with session.outlet, session.intake:
                self._remembered.refusals.hang_ups.connected()
                helpers = [
                    tasks.create_task(session.intake.wait_disconnected(), name="intake-connection"),
                    tasks.create_task(session.outlet.wait_disconnected(), name="outlet-connection"),
                ]
                await self._subscriptions.prepare(session)
                await place.join()
                if self._subscriptions.has_own_topics:
                    await subscribe(session.intake, node_subscription(self._settings))
                async with self._online(session):
                    helpers += [
                        tasks.create_task(self._subscriptions.end_former(session), name="former-subscriptions"),
                    ]
                    if self._subscriptions.has_own_topics:
                        helpers.append(tasks.create_task(proof.keep(), name="proof"))
                    balance = tasks.create_task(place.balance(), name="balance")
                    await stop.wait()
                    balance.cancel()
                    await self._drain(place, deliveries)
                for helper in helpers:
                    helper.cancel()

    def _connections(self) -> Connections:
        broker, name = self._settings.broker, intake_identifier(self._settings.node)
        will = Will(status_topic(self._settings.node), OFFLINE.encode(), retain=True)
        return Connections(
            intake=Connection(broker, identifier=name, persistent=True, versions=self._versions),
            outlet=Connection(broker, identifier=f"{name}-out", will=will, versions=self._versions),
        )

    @asynccontextmanager
    async def _online(self, session: Connections) -> AsyncIterator[None]:
        broker, outlet = self._settings.broker, session.outlet
        topic = status_topic(self._settings.node)
        await outlet.publish_confirmed(topic, ONLINE.encode(), retain=True)
        again = "again " if self._ever_connected else ""
        logger.info("connected %sto %s:%d (MQTT %s)", again, broker.host, broker.port, outlet.protocol)
        if outlet.limits.maximum_qos == 0:
            logger.warning("the broker supports QoS 0 alone: it confirms no label, and may lose tweets and labels")
        self._connected(now=True)
        if (expiry_seconds := outlet.certificate_expiry_seconds) is not None:
            self._metrics.certificate_expiry.labels("broker").set(expiry_seconds)
        try:
            yield
        finally:
            self._connected(now=False)
            self._health.obstacles.pop("subscription", None)
            # An orderly disconnect keeps the broker from publishing the will. A lost connection cannot publish either.
            with suppress(BrokerError):
                await outlet.publish_confirmed(topic, OFFLINE.encode(), retain=True)

    def _connected(self, *, now: bool) -> None:
        self._health.broker_connected = now
        self._metrics.broker_connected.set(now)
        if now:
            if self._ever_connected:
                self._metrics.reconnects.inc()
            self._ever_connected = self._was_connected = True
            self._connected_at = time.monotonic()

    async def _drain(self, place: SoleSubscriber | GroupMember, deliveries: Deliveries) -> None:
        """Finish the tweets in progress.

        Raises:
            _NotDrainedError: It takes too long.
        """
        self._health.stopping = True
        try:
            async with asyncio.timeout(self._settings.broker.timeout_seconds):
                await place.leave()
                await deliveries.drain()
        except TimeoutError as error:
            logger.warning("not all tweets were done in time; the broker keeps them for the next start")
            raise _NotDrainedError("not all tweets were done in time") from error


def intake_identifier(node: str) -> str:
    """Return the client id by which the broker recognises the session that tweets wait in."""
    return f"starling-{node}"
