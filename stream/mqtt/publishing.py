"""Publication of many messages at a rate, for `starling send`, the demo and benchmarks."""

import asyncio
import time
from collections.abc import Callable, Iterable

from stream.errors import ungrouped
from stream.mqtt.connection import Connection

MOST_UNCONFIRMED = 100
"""Messages in flight at once, so that a long file does not pile up in memory."""


async def publish_all(
    connection: Connection,
    topic: str,
    messages: Iterable[bytes],
    *,
    rate: float = 0.0,
    confirmed: Callable[[bytes], None] | None = None,
) -> None:
    """Publish messages at QoS 1, each when it is due, and wait until the broker has them all.

    Args:
        connection: The connection.
        topic: The topic.
        messages: The payloads.
        rate: Messages a second; 0 is as fast as they are confirmed.
        confirmed: Called with each payload that the broker has confirmed.

    Raises:
        BrokerError: The broker is lost or refuses a message.
    """
    room = asyncio.Semaphore(MOST_UNCONFIRMED)
    started = time.monotonic()

    async def publish(payload: bytes) -> None:
        try:
            await connection.publish_confirmed(topic, payload)
        finally:
            room.release()
        if confirmed:
            confirmed(payload)

    with ungrouped():
        async with asyncio.TaskGroup() as tasks:
            for number, payload in enumerate(messages):
                if rate:
                    await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
                await room.acquire()
                tasks.create_task(publish(payload), name=f"publish-{number}")
