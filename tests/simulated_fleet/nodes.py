"""Nodes of the simulated fleet: a process each, with the settings, the folder and the log of a real node."""

import asyncio
import contextlib
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from stream.free_port import free_port
from tests.integration.probe import settings_for, write_config
from tests.simulated_fleet.processes import ended, start
from tests.simulated_fleet.releases import Release, run_node

_STOP_SECONDS = 15.0
"""Time to drain, after which a service is killed; systemd would wait longer."""
_POLL_SECONDS = 0.2


class NodeFailedError(Exception):
    """A node that does not become ready, and the reason."""


class SimulatedNode:
    """A node whose service can be started with another release; an async context manager that kills it.

    Args:
        name: Name of the node.
        folder: Folder of all nodes.
        broker_port: Port of the broker.
        bundle: The model.
        release: The release that it starts with.
    """

    def __init__(self, name: str, folder: Path, broker_port: int, bundle: Path, release: Release) -> None:
        self.name = name
        self.release = release
        self.folder = folder / name
        self.folder.mkdir()
        self.port = free_port()
        broker = {"group": "fleet"}
        model = {"path": bundle, "interpreters": 1}
        settings = settings_for(broker_port, node=name, broker=broker, model=model, http={"port": self.port})
        self.config = write_config(self.folder, settings, http_port=self.port)
        self._process: ForkServerProcess | None = None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill the service."""
        await self._kill()

    async def __aenter__(self) -> Self:
        """Start the service."""
        self.start()
        return self

    @property
    def url(self) -> str:
        """URL of its HTTP server."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the service with the release."""
        self._process = start(run_node, self.config, self.release, self.folder / "log")

    async def switch(self, release: Release) -> None:
        """Restart the service with another release."""
        assert self._process
        self._process.terminate()
        if not await ended(self._process, _STOP_SECONDS):
            await self._kill()
        self.release = release
        self.start()

    async def ready(self, seconds: float) -> None:
        """Wait until it is ready.

        Raises:
            NodeFailedError: The service has ended, or is not ready after these seconds.
        """
        assert self._process
        try:
            async with asyncio.timeout(seconds), aiohttp.ClientSession() as client:
                while not await self._answers(client):
                    if await ended(self._process, _POLL_SECONDS):
                        raise NodeFailedError(f"the service ended: {self._last_line()}")
        except TimeoutError:
            raise NodeFailedError(f"not ready after {seconds:.0f} s") from None

    async def _answers(self, client: aiohttp.ClientSession) -> bool:
        with contextlib.suppress(aiohttp.ClientError):
            async with client.get(f"{self.url}/readyz") as answer:
                return answer.ok
        return False

    async def _kill(self) -> None:
        if self._process and self._process.is_alive():
            self._process.kill()
            await ended(self._process)

    def _last_line(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8").rstrip().rpartition("\n")[2]
