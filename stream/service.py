"""The service: the one file that knows all the parts."""

import asyncio
import logging
from collections.abc import Callable

from stream.errors import ungrouped
from stream.labelling.model_swap import ModelSwapper
from stream.labelling.pipeline import LabellingPipeline
from stream.power.service import measure_power
from stream.session.broker_statistics import collect_broker_statistics
from stream.session.node_session import NodeSession
from stream.settings import ModelSettings, Settings
from stream.telemetry.health import Health
from stream.telemetry.loop_lag import measure_loop_lag
from stream.telemetry.metrics import Metrics
from stream.telemetry.resources import ResourceCollector
from stream.telemetry.systemd import report_to_systemd
from stream.web.page.now import Now
from stream.web.page.routes import page_routes
from stream.web.server import serve_http

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
        self._metrics.ready.set_function(lambda: not self._health.missing())
        self._metrics.window.set(settings.broker.receive_maximum)
        self._now = Now(settings, self._metrics, self._health)
        self._labelling = LabellingPipeline(settings.limits, self._metrics)
        self._swapper = ModelSwapper(settings, self._labelling, self._metrics, self._health)

    def stop(self) -> None:
        """Make the service finish what it holds, and return."""
        self._stop.set()

    def use_model(self, settings: ModelSettings) -> None:
        """Make the service label with another model, if it can be loaded; the present one serves until then."""
        self._swapper.want(settings)

    async def run(self) -> None:
        """Run until it is stopped.

        Raises:
            StarlingError: The model, the broker or the HTTP address cannot be had.
        """
        loop = asyncio.get_running_loop()
        self._metrics.tasks.set_function(lambda: len(asyncio.all_tasks(loop)))
        with ungrouped():
            pages = page_routes(self._now)
            async with (
                serve_http(self._settings, self._metrics, self._health, pages) as address,
                asyncio.TaskGroup() as tasks,
            ):
                logger.info("metrics at %s/metrics", address)
                if self._on_listening:
                    self._on_listening(address)
                helpers = [
                    tasks.create_task(measure_loop_lag(self._metrics.loop_lag_seconds), name="loop-lag"),
                    tasks.create_task(report_to_systemd(self._health), name="watchdog"),
                    tasks.create_task(measure_power(self._settings, self._metrics, self._now.weighed_by), name="power"),
                    tasks.create_task(self._now.history.keep(), name="history"),
                    tasks.create_task(
                        collect_broker_statistics(self._settings, self._metrics.registry), name="broker-figures"
                    ),
                ]
                async with self._swapper.running():
                    self._health.model_loaded = True
                    await NodeSession(self._settings, self._labelling, self._metrics, self._health).run(self._stop)
                for helper in helpers:
                    helper.cancel()
