"""The service: the one file that knows all the parts."""

import asyncio
import logging
from collections.abc import Callable

from stream.broker import Broker
from stream.engine import Engines
from stream.errors import ungrouped
from stream.health import Health
from stream.labelling import Labelling
from stream.loop_lag import measure_loop_lag
from stream.metrics import Metrics
from stream.power.service import measure_power
from stream.resources import ResourceCollector
from stream.settings import ModelSettings, Settings
from stream.watchdog import report_to_systemd
from stream.web import serve_http

logger = logging.getLogger(__name__)


class Service:
    """Labels tweets until it is told to stop.

    Args:
        settings: The node's.
        on_listening: Called with the address of the HTTP side, as soon as it is served.
    """

    def __init__(self, settings: Settings, on_listening: Callable[[str], None] | None = None) -> None:
        self._settings = settings
        self._on_listening = on_listening
        self._stop = asyncio.Event()
        self._metrics = Metrics()
        self._metrics.registry.register(ResourceCollector())
        self._health = Health(settings.limits.stuck_seconds)
        self._labelling = Labelling(settings.limits, self._metrics)
        self._engines = Engines(settings, self._labelling, self._metrics, self._health)

    def stop(self) -> None:
        """Makes the service finish what it holds, and return."""
        self._stop.set()

    def use_model(self, settings: ModelSettings) -> None:
        """Makes the service label with another model, if it can be loaded; the present one serves until then."""
        self._engines.want(settings)

    async def run(self) -> None:
        """Runs until it is stopped.

        Raises:
            StarlingError: The model, the broker or the HTTP address cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._metrics.tasks.set_function(lambda: len(asyncio.all_tasks(loop)))
        with ungrouped():
            async with serve_http(self._settings, self._metrics, self._health) as address, asyncio.TaskGroup() as tasks:
                logger.info("metrics at %s/metrics", address)
                if self._on_listening:
                    self._on_listening(address)
                helpers = [
                    tasks.create_task(measure_loop_lag(self._metrics.loop_lag_seconds), name="loop-lag"),
                    tasks.create_task(report_to_systemd(self._health), name="watchdog"),
                    tasks.create_task(measure_power(self._settings, self._metrics), name="power"),
                ]
                async with self._engines.running():
                    self._health.model_loaded = True
                    await Broker(self._settings, self._labelling, self._metrics, self._health).run(self._stop)
                for helper in helpers:
                    helper.cancel()
