"""The broker's statistics for Prometheus, read from Mosquitto's $SYS topics over a connection of their own."""

import asyncio
import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from stream.errors import BrokerError
from stream.mqtt.backoff import reconnect_delays
from stream.mqtt.connection import Connection
from stream.settings import Settings

logger = logging.getLogger(__name__)

_ROOT: Final = "$SYS/broker/"


@dataclass(frozen=True, slots=True)
class _Statistic:
    topic: str
    name: str
    help_text: str
    family: type[CounterMetricFamily | GaugeMetricFamily] = GaugeMetricFamily
    is_zero_at_first: bool = False
    """Mosquitto publishes it only when it is no longer 0."""


_STATISTICS = (
    _Statistic(
        "publish/messages/dropped",
        "starling_broker_messages_dropped",
        "Messages that the broker dropped because a client's queue was full.",
        CounterMetricFamily,
        is_zero_at_first=True,
    ),
    _Statistic(
        "publish/messages/received",
        "starling_broker_messages_received",
        "Messages that were published to the broker.",
        CounterMetricFamily,
        is_zero_at_first=True,
    ),
    _Statistic(
        "publish/messages/sent",
        "starling_broker_messages_sent",
        "Messages that the broker sent to its subscribers.",
        CounterMetricFamily,
        is_zero_at_first=True,
    ),
    _Statistic(
        "store/messages/count", "starling_broker_messages_stored", "Messages that the broker stores for its clients."
    ),
    _Statistic(
        "retained messages/count",
        "starling_broker_messages_retained",
        "Retained messages among these, which are not a backlog.",
    ),
    _Statistic("clients/connected", "starling_broker_clients_connected", "Clients that are connected."),
    _Statistic(
        "clients/disconnected",
        "starling_broker_clients_away",
        "Clients that are disconnected and have a stored session.",
        is_zero_at_first=True,
    ),
)


class BrokerStatistics(Collector):
    """The latest statistics of the broker; none while it is not connected."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}

    def receive(self, topic: str, payload: bytes) -> None:
        """Take in a statistic; a payload that is not a number is ignored."""
        try:
            value = float(payload)
        except ValueError:
            return
        if math.isfinite(value):
            self._values[topic.removeprefix(_ROOT)] = value

    def clear(self) -> None:
        """Drop all statistics."""
        self._values.clear()

    def collect(self) -> Iterable[Metric]:
        """Yield the statistics that are known."""
        for statistic in _STATISTICS:
            if (value := self._values.get(statistic.topic, self._default(statistic))) is not None:
                yield statistic.family(statistic.name, statistic.help_text, value=value)

    def _default(self, statistic: _Statistic) -> float | None:
        """Return the value of a statistic that was not received while others were.

        A counter that started with its first increase would hide it from `increase()`.
        """
        return 0.0 if self._values and statistic.is_zero_at_first else None


async def collect_broker_statistics(settings: Settings, registry: CollectorRegistry) -> None:
    """Collect statistics until cancelled, over a new connection after each loss; return at once if not enabled."""
    if not settings.broker.sys_metrics:
        return
    statistics = BrokerStatistics()
    registry.register(statistics)
    delays = reconnect_delays(settings.broker.reconnect_seconds)
    while True:
        try:
            await _receive(settings, statistics)
        except BrokerError as error:
            logger.warning("the broker's statistics are not read: %s", error)
        statistics.clear()
        await asyncio.sleep(next(delays))


async def _receive(settings: Settings, statistics: BrokerStatistics) -> None:
    async with Connection(settings.broker, identifier=f"starling-{settings.node}-sys") as connection:
        for statistic in _STATISTICS:
            await connection.subscribe_confirmed(_ROOT + statistic.topic)
        async for message in connection.incoming():
            statistics.receive(message.topic, message.payload)
