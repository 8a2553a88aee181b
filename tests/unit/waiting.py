"""Waiting for what gives no sign of its own."""

import asyncio
from collections.abc import Callable

_LOOK_SECONDS = 0.002


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop turn until the condition is true; pytest's timeout ends what never comes."""
    while not condition():  # noqa: ASYNC110  (logs, links and counters have no event)
        await asyncio.sleep(_LOOK_SECONDS)
