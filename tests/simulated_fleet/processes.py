"""Processes that are forked from one that has imported the service, so that fifty of them start within seconds."""

import asyncio
import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "stream.commands.run",
        "stream.commands.gate.gate",
        "stream.commands.gate.options",
        "tests.simulated_fleet.releases",
    ]
)


def start(target: Callable[..., None], *arguments: object) -> ForkServerProcess:
    """Start a process that calls a function."""
    process = _CONTEXT.Process(target=target, args=arguments)
    process.start()
    return process


async def ended(process: ForkServerProcess, seconds: float | None = None) -> bool:
    """Wait until a process ends; returns False if it still runs after these seconds."""
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, end.set)
    try:
        async with asyncio.timeout(seconds):
            await end.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(process.sentinel)
    process.join()
    return True
