"""Export of the statistics of a real Mosquitto."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.session.broker_statistics import collect_broker_statistics
from stream.telemetry.metrics import Metrics
from tests.integration.mosquitto import PROGRAM, Mosquitto
from tests.integration.probe import probing, settings_for
from tests.unit.waiting import until

pytestmark = [pytest.mark.broker, pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed")]
OPTIONS = "allow_anonymous true\nsys_interval 1"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path, OPTIONS, log_type="error") as mosquitto:
        yield mosquitto


class Watched:
    """The broker statistics that a node exports."""

    def __init__(self) -> None:
        self.registry = Metrics().registry

    async def until(self, name: str, expected: float | None) -> None:
        await until(lambda: self.registry.get_sample_value(name) == expected)


async def test_messages_that_the_broker_drops_are_counted(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, f"{OPTIONS}\nmax_queued_messages 5", log_type="error") as broker:
        settings = settings_for(broker.port, broker={"sys_metrics": True})
        watched = Watched()
        watching = asyncio.create_task(collect_broker_statistics(settings, watched.registry))
        async with probing(settings, identifier="disconnected-reader"):
            pass
        async with probing(settings) as sender:
            for number in range(9):
                await sender.client.publish_confirmed(settings.topics.labels, b"%d" % number)
        await watched.until("starling_broker_messages_dropped_total", 4)
        await watched.until("starling_broker_clients_away", 1)
        watching.cancel()


async def test_without_dropped_messages_the_exported_count_is_zero(broker: Mosquitto) -> None:
    watched = Watched()
    settings = settings_for(broker.port, broker={"sys_metrics": True})
    watching = asyncio.create_task(collect_broker_statistics(settings, watched.registry))
    assert watched.registry.get_sample_value("starling_broker_messages_dropped_total") is None
    await watched.until("starling_broker_messages_dropped_total", 0)
    watching.cancel()


async def test_without_a_broker_no_statistics_are_exported_until_it_returns(broker: Mosquitto) -> None:
    watched = Watched()
    settings = settings_for(broker.port, broker={"sys_metrics": True})
    watching = asyncio.create_task(collect_broker_statistics(settings, watched.registry))
    await watched.until("starling_broker_clients_connected", 1)
    broker.stop()
    await watched.until("starling_broker_clients_connected", None)
    await asyncio.to_thread(broker.start)
    await watched.until("starling_broker_clients_connected", 1)
    watching.cancel()


async def test_statistics_are_not_collected_unless_the_settings_enable_them(broker: Mosquitto) -> None:
    metrics = Metrics()
    before = list(metrics.registry.collect())
    await collect_broker_statistics(settings_for(broker.port), metrics.registry)
    assert len(list(metrics.registry.collect())) == len(before)
