"""`starling run`: run the service until a signal stops it."""

import asyncio
import logging
import signal
from pathlib import Path

from stream.errors import SettingsError
from stream.model.memory import keep_collections_short, keep_heap_small
from stream.service import Service
from stream.settings import Settings, load_settings
from stream.telemetry.logs import log_to_stderr

logger = logging.getLogger(__name__)


def run_until_signalled(config: Path | None) -> None:
    """Run the service until SIGTERM or SIGINT, which make it drain; SIGHUP makes it read some settings again.

    These are `[model]`, `[decision]`, `[languages]` and `[[entities]]`.

    Raises:
        StarlingError: The service cannot start.
    """
    settings = load_settings(config)
    log_to_stderr(settings.log_level, settings.log.format)
    keep_heap_small()
    keep_collections_short()
    asyncio.run(_run(settings, config))


async def _run(settings: Settings, config: Path | None) -> None:
    service = Service(settings)

    def reload() -> None:
        try:
            settings = load_settings(config)
            service.use_languages(settings.languages, settings.model, settings.decision)
            service.use_model(settings.model, settings.decision)
            service.use_entities(settings.entities)
        except SettingsError as error:
            logger.error("the settings are not changed: %s", error)  # noqa: TRY400  (the message says all)

    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, service.stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await service.run()
