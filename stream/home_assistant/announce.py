"""Publishes a node's numbers, and the message by which Home Assistant finds the node."""

import asyncio
import logging

import orjson

from stream.errors import BrokerError
from stream.home_assistant.discovery import Key, discovery_message, discovery_topic, measured
from stream.home_assistant.state import node_state
from stream.mqtt.backoff import reconnect_delays
from stream.mqtt.connection import Connection
from stream.session.topics import state_topic
from stream.settings import Settings
from stream.telemetry.resources import ResourceCollector
from stream.web.page.status import NodeStatus

logger = logging.getLogger(__name__)


async def announce_to_home_assistant(settings: Settings, status: NodeStatus, resources: ResourceCollector) -> None:
    """Publish until cancelled, over a separate connection that is reopened when it is lost; return if not enabled.

    Args:
        settings: The settings of the broker and of Home Assistant, and the node's name.
        status: The node's status.
        resources: The machine's values.
    """
    if not settings.home_assistant.enabled:
        return
    known: set[Key] = set()
    delays = reconnect_delays(settings.broker.reconnect_seconds)
    logged: set[int | None] = set()
    while True:
        try:
            await _announce(settings, status, resources, known)
        except BrokerError as error:
            # The service's own connection logs that the broker is lost; a refusal concerns this one alone.
            level = logging.DEBUG if error.reason_code in {*logged, None} else logging.WARNING
            logged.add(error.reason_code)
            logger.log(level, "the node's numbers are not published for Home Assistant: %s", error)
        await asyncio.sleep(next(delays))


async def _announce(settings: Settings, status: NodeStatus, resources: ResourceCollector, known: set[Key]) -> None:
    discovery, topic = discovery_topic(settings), state_topic(settings.node)
    described: set[Key] | None = None
    async with Connection(settings.broker, identifier=f"starling-{settings.node}-state") as client:
        while True:
            await resources.refresh()
            state = node_state(status, resources)
            known |= measured(state)
            if known != described:  # a sensor that was found later gets its entity then
                described = set(known)
                message = orjson.dumps(discovery_message(settings, known))
                await client.publish_confirmed(discovery, message, retain=True)
            await client.publish_confirmed(topic, orjson.dumps(state), retain=True)
            await asyncio.sleep(settings.home_assistant.interval_seconds)
