"""`starling run`."""

import asyncio
import signal
from pathlib import Path

from stream.logs import log_to_stderr
from stream.service import run_service
from stream.settings import Settings, load_settings


def run_until_signalled(config: Path | None) -> None:
    """Runs the service until SIGTERM or SIGINT; both make it drain.

    Raises:
        StarlingError: The service cannot start.
    """
    settings = load_settings(config)
    log_to_stderr(settings.log_level)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    await run_service(settings, stop)
