"""Measures how late the event loop runs what is due: the first thing to rise when something blocks it."""

import asyncio

from prometheus_client import Histogram

_INTERVAL_SECONDS = 0.5


async def measure_loop_lag(lag_seconds: Histogram) -> None:
    """Observe the lag twice a second, for as long as it is let."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _INTERVAL_SECONDS
        await asyncio.sleep(_INTERVAL_SECONDS)
        lag_seconds.observe(max(0.0, loop.time() - due))
