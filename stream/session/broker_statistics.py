"""The broker's own figures for Prometheus, as Mosquitto publishes them under $SYS; over a connection of their own."""

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


_STATISTICS = (
    _Statistic(
        "publish/messages/dropped",
        "starling_broker_messages_dropped",
        "Messages that the broker dropped, for a client's queue was full.",
        CounterMetricFamily,
    ),
    _Statistic(
        "publish/messages/received",
        "starling_broker_messages_received",
        "Messages that were published to the broker.",
        CounterMetricFamily,
    ),
    _Statistic(
        "publish/messages/sent",
        "starling_broker_messages_sent",
        "Messages that the broker sent to its subscribers.",
        CounterMetricFamily,
    ),
    _Statistic(
        "store/messages/count", "starling_broker_messages_stored", "Messages that the broker keeps, for whomever."
    ),
    _Statistic("retained messages/count", "starling_broker_messages_retained", "Of these, retained ones: no backlog."),
    _Statistic("clients/connected", "starling_broker_clients_connected", "Clients that are connected."),
    _Statistic(
        "clients/disconnected", "starling_broker_clients_away", "Clients that are away and have a session kept."
    ),
)


class BrokerStatistics(Collector):
    """What the broker said last; nothing while it cannot be heard."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}

    def hear(self, topic: str, payload: bytes) -> None:
        """Take in a figure; what is no number is let go by."""
        try:
            value = float(payload)
        except ValueError:
            return
        if math.isfinite(value):
            self._values[topic.removeprefix(_ROOT)] = value

    def forget(self) -> None:
        """Know nothing any more."""
        self._values.clear()

    def collect(self) -> Iterable[Metric]:
        """Give the figures that are known."""
        for figure in _STATISTICS:
            if (value := self._values.get(figure.topic, self._unsaid(figure))) is not None:
                yield figure.family(figure.name, figure.help_text, value=value)

    def _unsaid(self, figure: _Statistic) -> float | None:
        """What holds while the broker says nothing of it: Mosquitto publishes no count before it is above 0.

        A counter that began with its first drops would hide them from `increase()`.
        """
        return 0.0 if self._values and figure.family is CounterMetricFamily else None


async def collect_broker_statistics(settings: Settings, registry: CollectorRegistry) -> None:
    """Listen until it is cancelled, again after each loss; returns at once where the settings do not ask for it."""
    if not settings.broker.sys_metrics:
        return
    figures = BrokerStatistics()
    registry.register(figures)
    delays = reconnect_delays(settings.broker.reconnect_seconds)
    while True:
        try:
            await _listen(settings, figures)
        except BrokerError as error:
            logger.warning("the broker's own figures are not read: %s", error)
        figures.forget()
        await asyncio.sleep(next(delays))


async def _listen(settings: Settings, figures: BrokerStatistics) -> None:
    async with Connection(settings.broker, identifier=f"starling-{settings.node}-sys") as client:
        for figure in _STATISTICS:
            await client.subscribe_confirmed(_ROOT + figure.topic)
        async for message in client.incoming():
            figures.hear(message.topic, message.payload)
