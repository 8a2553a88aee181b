"""The service's task that measures energy; it ends at once if there is no source."""

import asyncio
import logging
from collections.abc import Callable

from prometheus_client.metrics import MetricWrapperBase

from stream.errors import MeterError
from stream.power.announce import announce_energy
from stream.power.metrics import PowerCollector
from stream.power.monitor import PowerMonitor
from stream.power.per_tweet import Work
from stream.power.source import choose_source
from stream.settings import Settings
from stream.telemetry.metrics import Metrics

logger = logging.getLogger(__name__)


async def measure_power(
    settings: Settings, metrics: Metrics, on_measuring: Callable[[PowerMonitor], None] = lambda _: None
) -> None:
    """Measure energy until cancelled; return at once on a machine without a source.

    Args:
        settings: The node's settings.
        metrics: The service's metrics: the tweet counters are read, the energy metrics are added.
        on_measuring: Called with the monitor if there is a source.
    """
    try:
        source = await asyncio.to_thread(choose_source, settings.power)  # reads every sensor that it finds
    except MeterError as error:
        logger.warning("%s; energy is not measured", error)
        return
    if source is None:
        return
    monitor = PowerMonitor(source, lambda: work_done(metrics), settings.power.window_seconds)
    collector = PowerCollector(monitor)
    metrics.registry.register(collector)
    on_measuring(monitor)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(monitor.run(), name="power-monitor")
            tasks.create_task(announce_energy(settings, monitor), name="power-announce")
    finally:
        metrics.registry.unregister(collector)


def work_done(metrics: Metrics) -> Work:
    """Read the service's work from its metrics."""
    return Work(
        received=round(_total(metrics.received)),
        labelled=round(_total(metrics.classified)),
        in_progress=round(_total(metrics.in_progress)),
    )


def _total(metric: MetricWrapperBase) -> float:
    """Sum of a counter's or gauge's values over its labels."""
    return sum(
        sample.value for family in metric.collect() for sample in family.samples if not sample.name.endswith("_created")
    )
