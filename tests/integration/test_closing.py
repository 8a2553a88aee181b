"""The end of a connection."""

import asyncio

import pytest

from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.settings import BrokerSettings
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker

_TOPIC = "tweets/in"
_TAKEN, _SENT = 20, 200
_TIMES = 5
_FILLING = "x" * 20_000
"""Larger than one read, so that the socket has unread data when the client disconnects."""


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_acknowledged_messages_do_not_come_again_after_a_disconnect_with_unread_messages(
    broker: Mosquitto, protocol: str
) -> None:
    settings = BrokerSettings(host="127.0.0.1", port=broker.port, protocol=protocol)
    # Repeated, since the outcome depends on whether the broker reads all data before the connection ends.
    for _ in range(_TIMES):
        acknowledged = await _disconnect_after_some_acknowledgements(settings)
        assert acknowledged.isdisjoint(await _takes(settings, _SENT - _TAKEN))


async def _disconnect_after_some_acknowledgements(settings: BrokerSettings) -> set[bytes]:
    client = _subscriber(settings)
    taken: list[Message] = []
    enough = asyncio.Event()

    def take(message: Message) -> None:
        taken.append(message)
        if len(taken) == _TAKEN:
            client.pause()
            enough.set()

    client.deliver_to(take)
    async with client:
        await client.subscribe_confirmed(_TOPIC)
        async with Connection(settings) as publisher:
            await asyncio.gather(
                *(publisher.publish_confirmed(_TOPIC, f"{number} {_FILLING}".encode()) for number in range(_SENT))
            )
        await enough.wait()
        for message in taken:
            client.acknowledge(message)
    return {message.payload for message in taken}


async def _takes(settings: BrokerSettings, count: int) -> set[bytes]:
    async with _subscriber(settings) as client:
        await client.subscribe_confirmed(_TOPIC)
        messages = client.incoming()
        return {(await anext(messages)).payload for _ in range(count)}


def _subscriber(settings: BrokerSettings) -> Connection:
    return Connection(settings, identifier="leaving", persistent=True)
