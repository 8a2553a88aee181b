"""The session with the broker: connect, announce, subscribe, carry tweets, and come back after a loss."""

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
from stream.session.refusals import Refusals
from stream.session.topics import OFFLINE, ONLINE, status_topic
from stream.settings import Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)

_RECENT_WINDOWS = 16
"""Labels remembered, in receive maxima: what a broker can send again is one, and a few losses may follow at once."""


class NodeSession:
    """Keeps a session with the broker and labels what comes through it.

    Args:
        settings: All of them: broker, topics, node, limits.
        labelling: What makes labels.
        metrics: Where connections and tweets are counted.
        health: Where the state of the connection is shown.
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
        self._ever_connected = False
        self._connected_at = time.monotonic()
        self._delays = reconnect_delays(settings.broker.reconnect_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Label tweets until `stop` is set, then drains.

        Raises:
            BrokerError: The first connection fails and the settings do not say to wait; later ones are tried again.
        """
        while not stop.is_set():
            try:
                await self._session(stop)
            except BrokerError as error:
                if not (self._ever_connected or self._settings.broker.wait_at_start):
                    raise
                await self._pause(stop, error)

    async def _pause(self, stop: asyncio.Event, error: BrokerError) -> None:
        if time.monotonic() - self._connected_at > self._settings.broker.reconnect_seconds:
            self._delays = reconnect_delays(self._settings.broker.reconnect_seconds)  # it had been well for a while
        delay = next(self._delays)
        logger.warning("%s; next attempt in %.1f s", error, delay)
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await stop.wait()

    async def _session(self, stop: asyncio.Event) -> None:
        with ungrouped():
            async with asyncio.TaskGroup() as tasks:
                await self._serve(tasks, stop)

    async def _serve(self, tasks: asyncio.TaskGroup, stop: asyncio.Event) -> None:
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
        with self._health.watching(deliveries.oldest_seconds):
            async with session.outlet, session.intake:
                self._remembered.refusals.hang_ups.connected()
                watchers = [
                    tasks.create_task(session.intake.wait_disconnected(), name="intake-connection"),
                    tasks.create_task(session.outlet.wait_disconnected(), name="outlet-connection"),
                ]
                await place.join()
                async with self._online(session.outlet):
                    fairness = tasks.create_task(place.keep_fair(), name="fairness")
                    await stop.wait()
                    fairness.cancel()
                    await self._drain(place, deliveries)
                for watcher in watchers:
                    watcher.cancel()

    def _connections(self) -> Connections:
        name = intake_identifier(self._settings.node)
        will = Will(status_topic(self._settings.node), OFFLINE.encode(), retain=True)
        return Connections(
            intake=Connection(self._settings.broker, identifier=name, persistent=True, versions=self._versions),
            outlet=Connection(self._settings.broker, identifier=f"{name}-out", will=will, versions=self._versions),
        )

    @asynccontextmanager
    async def _online(self, client: Connection) -> AsyncIterator[None]:
        broker = self._settings.broker
        topic = status_topic(self._settings.node)
        await client.publish_confirmed(topic, ONLINE.encode(), retain=True)
        again = "again " if self._ever_connected else ""
        logger.info("connected %sto %s:%d (MQTT %s)", again, broker.host, broker.port, client.protocol)
        self._connected(now=True)
        try:
            yield
        finally:
            self._connected(now=False)
            # A clean farewell keeps the broker from sending the will, so it is sent here; a lost connection cannot.
            with suppress(BrokerError):
                await client.publish_confirmed(topic, OFFLINE.encode(), retain=True)

    def _connected(self, *, now: bool) -> None:
        self._health.broker_connected = now
        self._metrics.broker_connected.set(now)
        if now:
            if self._ever_connected:
                self._metrics.reconnects.inc()
            self._ever_connected = True
            self._connected_at = time.monotonic()

    async def _drain(self, place: SoleSubscriber | GroupMember, deliveries: Deliveries) -> None:
        self._health.stopping = True
        try:
            async with asyncio.timeout(self._settings.broker.timeout_seconds):
                await place.leave()
                await deliveries.drain()
        except TimeoutError:
            logger.warning("not all tweets were done in time; the broker keeps those for the next start")


def intake_identifier(node: str) -> str:
    """The client id by which the broker knows the session that tweets wait in."""
    return f"starling-{node}"
