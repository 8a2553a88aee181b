"""The delay of the event loop's timers, which rises first when something blocks the loop."""

import asyncio

from prometheus_client import Histogram

_INTERVAL_SECONDS = 0.5


async def measure_loop_lag(lag_seconds: Histogram) -> None:
    """Observe the delay twice a second, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _INTERVAL_SECONDS
        await asyncio.sleep(_INTERVAL_SECONDS)
        lag_seconds.observe(max(0.0, loop.time() - due))
