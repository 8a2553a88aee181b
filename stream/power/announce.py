"""Publishes the energy measurements over MQTT, so that `starling watch` can show them without Prometheus."""

import asyncio
import logging
from contextlib import suppress

import orjson

from stream.errors import BrokerError
from stream.mqtt.backoff import reconnect_delays
from stream.mqtt.connection import Connection
from stream.mqtt.packets import Will
from stream.power.monitor import PowerMonitor
from stream.session.topics import energy_topic
from stream.settings import Settings

logger = logging.getLogger(__name__)

_INTERVAL_SECONDS = 1.0
_NOTHING = b""
"""An empty retained message deletes the retained one (MQTT 5, 3.3.1.3)."""


async def announce_energy(settings: Settings, monitor: PowerMonitor) -> None:
    """Publish every second until cancelled, over a separate connection that is reopened when it is lost.

    Args:
        settings: The settings of the broker, and the node's name.
        monitor: The source of the measurements.
    """
    delays = reconnect_delays(settings.broker.reconnect_seconds)
    while True:
        try:
            await _announce(settings, monitor)
        except BrokerError as error:  # the service's own connection fails too, and logs it
            logger.debug("energy is not published: %s", error)
        await asyncio.sleep(next(delays))


async def _announce(settings: Settings, monitor: PowerMonitor) -> None:
    topic = energy_topic(settings.node)
    identifier = f"starling-{settings.node}-energy"
    will = Will(topic, _NOTHING, retain=True)
    async with Connection(settings.broker, identifier=identifier, will=will) as client:
        try:
            while True:
                await asyncio.sleep(_INTERVAL_SECONDS)
                await client.publish_confirmed(topic, orjson.dumps(monitor.summary()), retain=True)
        finally:
            with suppress(BrokerError):
                await client.publish_confirmed(topic, _NOTHING, retain=True)
