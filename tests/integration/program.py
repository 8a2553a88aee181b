"""`starling` as a program of its own, as systemd or a person runs it."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

STARLING = (sys.executable, "-m", "stream")


@contextlib.asynccontextmanager
async def started(*arguments: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Starts a command, and kills it at the end where it has not ended by itself."""
    process = await asyncio.create_subprocess_exec(
        *STARLING,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def finished(*arguments: str | Path, stdin: bytes = b"") -> tuple[int, str, str]:
    """Runs a command to its end; returns its exit code, stdout and stderr."""
    async with started(*arguments) as process:
        out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, out.decode(), without_noise(err.decode())


def without_noise(stderr: str) -> str:
    """Leaves out what TensorFlow Lite says of itself."""
    return "".join(line for line in stderr.splitlines(keepends=True) if not line.startswith("INFO: Created TensorFlow"))


async def until_ready(http_port: int) -> None:
    """Asks a service's /readyz until it says yes."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with session.get(f"http://127.0.0.1:{http_port}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.02)
