"""A wait for conditions without an event."""

import asyncio
from collections.abc import Callable

_LOOK_SECONDS = 0.002


async def until(condition: Callable[[], object]) -> None:
    """Run the event loop until the condition is true; pytest's timeout ends a wait without end."""
    while not condition():  # noqa: ASYNC110  (logs, links and counters have no event)
        await asyncio.sleep(_LOOK_SECONDS)
