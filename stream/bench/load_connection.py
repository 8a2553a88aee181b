"""The MQTT connection of the load, in a thread of its own so that the pace of publication is not the event loop's."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from stream.errors import BrokerError
from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.settings import BrokerSettings

_CONFIRM_SECONDS = 60.0

Answer = TypeVar("Answer")


class LoadConnection:
    """A connection for a program that is not asynchronous; it lasts as long as the process.

    Args:
        host: The broker's name or address.
        port: Its port.
        take: Called with each message that is received, in the connection's thread; it is acknowledged then.

    Raises:
        BrokerError: The broker cannot be reached.
    """

    def __init__(self, host: str, port: int, take: Callable[[Message], None] | None = None) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="mqtt", daemon=True).start()
        self._tasks: set[asyncio.Task[None]] = set()
        settings = BrokerSettings(host=host, port=port, protocol="3.1.1", timeout_seconds=_CONFIRM_SECONDS)
        self._connection = self._wait(self._connect(settings, take))

    def publish(self, topic: str, payload: bytes, done: Callable[[BrokerError | None], None]) -> None:
        """Publish without waiting; `done` is called, in the connection's thread, with None or what went wrong."""
        self._loop.call_soon_threadsafe(self._start, topic, payload, done)

    def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe, and wait until the broker has granted it.

        Raises:
            BrokerError: It does not.
        """
        for topic in topics:
            self._wait(self._connection.subscribe_confirmed(topic))

    def _wait(self, work: Awaitable[Answer]) -> Answer:
        async def run() -> Answer:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def _connect(self, settings: BrokerSettings, take: Callable[[Message], None] | None) -> Connection:
        connection = Connection(settings)
        if take is not None:

            def deliver(message: Message) -> None:
                take(message)
                connection.acknowledge(message)

            connection.deliver_to(deliver)
        return await connection.__aenter__()

    def _start(self, topic: str, payload: bytes, done: Callable[[BrokerError | None], None]) -> None:
        task = self._loop.create_task(self._publish(topic, payload, done), name="publish")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, topic: str, payload: bytes, done: Callable[[BrokerError | None], None]) -> None:
        try:
            await self._connection.publish_confirmed(topic, payload)
        except BrokerError as error:
            done(error)
        else:
            done(None)
