"""Loss of a connection while a publication is in flight."""

import asyncio
import contextlib
import random

import pytest

from stream.errors import BrokerError
from stream.mqtt.connection import Connection
from tests.chaos.relay import Packet, Relay
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import settings_for

pytestmark = pytest.mark.broker
_LONGER_THAN_THE_TEST_SECONDS = 3600


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_publication_in_flight_fails_at_once_when_the_connection_is_lost(
    broker: Mosquitto, protocol: str
) -> None:
    async with Relay(broker.port, random.Random(1)) as relay:
        relay.hold(Packet.CONFIRMATION)
        settings = {"protocol": protocol, "timeout_seconds": _LONGER_THAN_THE_TEST_SECONDS}
        with pytest.raises(BrokerError, match="the connection is lost"):
            await publish_through(relay, Connection(settings_for(relay.port, broker=settings).broker))


async def publish_through(relay: Relay, client: Connection) -> None:
    """Publish a message, and cut the connection when it has arrived."""
    async with client:
        publishing = asyncio.create_task(client.publish_confirmed("topic", b"message"))
        await relay.until(Packet.LABEL)
        relay.cut()
        with contextlib.suppress(BrokerError):
            await client.wait_disconnected()
        await publishing
