"""`starling feed` in a separate process, and a subscriber that counts what it publishes."""

import asyncio
import contextlib
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from stream.errors import BrokerError
from stream.mqtt.connection import Connection
from stream.settings import BrokerSettings
from tests.integration.forked import forked
from tests.integration.program import STARLING, Process


class Subscriber:
    """The messages on the topics of posts and of changes."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.ids = Counter[str]()
        """Number of posts by id."""
        self.changes: list[dict[str, Any]] = []
        self._arrived = asyncio.Event()

    def take(self, topic: str, payload: bytes) -> None:
        """Take a message."""
        message = orjson.loads(payload)
        if topic == "tweets/changes":
            self.changes.append(message)
        else:
            self.posts.append(message)
            self.ids[message["id"]] += 1
        self._arrived.set()

    async def until(self, holds: Callable[["Subscriber"], bool]) -> None:
        """Wait until a condition holds."""
        while not holds(self):
            self._arrived.clear()
            await self._arrived.wait()


@contextlib.asynccontextmanager
async def subscribed(port: int, identifier: str | None = None) -> AsyncIterator[Subscriber]:
    """Subscribe to what a feeder publishes; with an identifier, the broker keeps the messages meanwhile."""
    subscriber = Subscriber()
    persistent = identifier is not None
    async with Connection(BrokerSettings(port=port), identifier=identifier, persistent=persistent) as connection:
        for topic in ("tweets/in", "tweets/changes"):
            await connection.subscribe_confirmed(topic)
        receiving = asyncio.create_task(_receive(connection, subscriber), name="subscriber")
        try:
            yield subscriber
        finally:
            receiving.cancel()
            with contextlib.suppress(asyncio.CancelledError, BrokerError):
                await receiving


async def _receive(connection: Connection, subscriber: Subscriber) -> None:
    async for message in connection.incoming():
        subscriber.take(message.topic, message.payload)


class FeedProcess:
    """A feeder that a test can kill and start again; an async context manager.

    Args:
        arguments: The source and its options.
        log: File for its stdout and stderr.
        environment: Its environment.
        anew: Start the program itself; otherwise fork it.
    """

    def __init__(
        self, arguments: tuple[str, ...], log: Path, environment: dict[str, str], *, anew: bool = False
    ) -> None:
        self._arguments = ("feed", *arguments)
        self._anew = anew
        self._log = log
        self._environment = environment
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    @property
    def pid(self) -> int:
        """Process id of the feeder."""
        assert self._process
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything that it has written."""
        return self._log.read_text(errors="replace")

    @property
    def address(self) -> str:
        """URL of its HTTP server."""
        told = re.findall(r"metrics at (http://[^/]*)/", self.log)
        assert told, self.log
        return str(told[-1])

    async def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            if self._anew:
                self._process = await asyncio.create_subprocess_exec(
                    *STARLING, *self._arguments, stdout=log, stderr=log, env=self._environment
                )
            else:
                self._process = await forked(
                    *self._arguments, stdout=log.fileno(), stderr=log.fileno(), env=self._environment
                )

    async def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> int:
        """End it with SIGTERM, and return its exit code."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait until it has ended, and return its exit code."""
        assert self._process
        return await asyncio.wait_for(self._process.wait(), 60)
