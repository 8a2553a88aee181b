"""The service: the one file that knows all the parts."""

import asyncio
import logging
from collections.abc import Callable

from stream.batcher import Batcher
from stream.broker import Broker
from stream.errors import ungrouped
from stream.health import Health
from stream.labelling import Labelling
from stream.loop_lag import measure_loop_lag
from stream.metrics import Metrics
from stream.model import load_model
from stream.resources import ResourceCollector
from stream.settings import Settings
from stream.web import serve_http

logger = logging.getLogger(__name__)


async def run_service(
    settings: Settings, stop: asyncio.Event, on_listening: Callable[[str], None] | None = None
) -> None:
    """Labels tweets until `stop` is set.

    Args:
        settings: The node's.
        stop: Set to make the service drain and return.
        on_listening: Called with the address of the HTTP side, as soon as it is served.

    Raises:
        StarlingError: The model, the broker or the HTTP address cannot be had.
    """
    with ungrouped():
        await _serve(settings, stop, on_listening)


async def _serve(settings: Settings, stop: asyncio.Event, on_listening: Callable[[str], None] | None) -> None:
    metrics = Metrics()
    metrics.registry.register(ResourceCollector())
    health = Health()
    async with serve_http(settings, metrics, health) as address:
        logger.info("metrics at %s/metrics", address)
        if on_listening:
            on_listening(address)
        model = await asyncio.to_thread(load_model, settings.model)
        metrics.model_is(model.bundle)
        health.model_loaded = True
        async with (
            Batcher(model.classifiers, settings.model.max_batch, metrics) as batcher,
            asyncio.TaskGroup() as tasks,
        ):
            lag = tasks.create_task(measure_loop_lag(metrics.loop_lag_seconds), name="loop-lag")
            labelling = Labelling(model, batcher, settings, metrics)
            await Broker(settings, labelling, metrics, health).run(stop)
            lag.cancel()
