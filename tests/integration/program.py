"""`starling` in a separate process, as systemd or a user runs it; most are forked, so that they start at once."""

import asyncio
import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from tests.integration.forked import PIPE, ForkedProcess, forked

STARLING = (sys.executable, "-m", "stream")


Process = asyncio.subprocess.Process | ForkedProcess


@contextlib.asynccontextmanager
async def started(*arguments: str | Path, stdout: int = PIPE, anew: bool = False) -> AsyncIterator[Process]:
    """Start a command; kill it at the end if it is still running.

    Args:
        arguments: The command and its arguments.
        stdout: Descriptor of its stdout.
        anew: Start the program itself, which takes seconds of processor time; otherwise fork it.
    """
    process: Process
    if anew:
        process = await asyncio.create_subprocess_exec(*STARLING, *arguments, stdin=PIPE, stdout=stdout, stderr=PIPE)
    else:
        process = await forked(*arguments, stdout=stdout)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def finished(*arguments: str | Path, stdin: bytes = b"", anew: bool = False) -> tuple[int, str, str]:
    """Run a command to its end, and return its exit code, stdout and stderr."""
    async with started(*arguments, anew=anew) as process:
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, out.decode(), without_noise(err.decode())


def without_noise(stderr: str) -> str:
    """Remove the log lines of TensorFlow Lite."""
    return "".join(line for line in stderr.splitlines(keepends=True) if not line.startswith("INFO: Created TensorFlow"))


def ran(*arguments: str | Path, anew: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a test without an event loop."""
    code, out, err = asyncio.run(finished(*arguments, anew=anew))
    return subprocess.CompletedProcess(arguments, code, out, err)


class Node:
    """`starling run` in a process that a test can kill and restart; an async context manager.

    Args:
        config: Its settings file, with `http.port` 0; the port is read from the log.
        log: File for its stdout and stderr.
        anew: Start the program itself; otherwise fork it.
    """

    def __init__(self, config: Path, log: Path, *, anew: bool = False) -> None:
        self._config = config
        self._log = log
        self._anew = anew
        self._http_port = 0
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill it."""
        await self.kill()

    @property
    def pid(self) -> int:
        """Process id of the program."""
        assert self._process
        return self._process.pid

    @property
    def address(self) -> str:
        """URL of its HTTP server."""
        return f"http://127.0.0.1:{self._http_port}"

    async def start(self) -> None:
        """Start it, and wait until /metrics answers."""
        command = ("run", "--config", self._config)
        with self._log.open("ab") as log:
            said_before = log.tell()
            if self._anew:
                self._process = await asyncio.create_subprocess_exec(*STARLING, *command, stdout=log, stderr=log)
            else:
                self._process = await forked(*command, stdout=log.fileno(), stderr=log.fileno())
        while not (told := re.search(r"metrics at http://[^/]*:(\d+)/", self._log.read_text()[said_before:])):
            if self._process.returncode is not None:
                raise RuntimeError(f"starling run ended at once: {self._log.read_text()[said_before:]}")
            await asyncio.sleep(0.01)
        self._http_port = int(told[1])

    async def ready(self) -> None:
        """Wait until it is ready to label tweets."""
        await until_ready(self._http_port)

    async def draining(self) -> None:
        """Wait until it has begun to drain."""
        await _until_readyz(self._http_port, 503, "the service is stopping")

    def tell_to_stop(self) -> None:
        """Make it drain."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)

    async def stopped(self) -> int:
        """Wait until it has exited, and return its exit code."""
        assert self._process
        return await self._process.wait()

    async def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def metrics(self) -> str:
        """Return the text of /metrics; empty if there is no answer."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            url = f"http://127.0.0.1:{self._http_port}/metrics"
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session, session.get(url) as answer:
                return await answer.text()
        return ""


def metric(exposition: str, name: str) -> float:
    """Return the value of a metric, or the sum over its labels."""
    values = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", exposition, re.MULTILINE)
    assert values, f"no {name} in /metrics"
    return sum(map(float, values))


async def reread(process: Process, logged: str = "labelling with") -> None:
    """Make a service read its settings again, and wait until it has logged a text; by default that of a success."""
    assert process.stderr
    process.send_signal(signal.SIGHUP)
    while line := await process.stderr.readline():
        if logged.encode() in line:
            return
    raise RuntimeError("the service ended")


async def until_ready(http_port: int) -> None:
    """Wait until a service's /readyz answers with 200."""
    await _until_readyz(http_port, 200, "")


async def _until_readyz(http_port: int, status: int, text: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with session.get(f"http://127.0.0.1:{http_port}/readyz") as answer:
                    if answer.status == status and text in await answer.text():
                        return
            await asyncio.sleep(0.02)
