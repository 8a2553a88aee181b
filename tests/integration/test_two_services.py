"""Two services with the same node name take the session from each other, which the log reports."""

import asyncio

import pytest

from stream.service import Service
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import settings_for

pytestmark = pytest.mark.broker


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_the_log_asks_whether_another_service_has_the_same_name(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    settings = settings_for(broker.port, broker={"protocol": protocol, "reconnect_seconds": 0.1, "wait_at_start": True})
    services = [Service(settings), Service(settings)]
    async with asyncio.TaskGroup() as tasks:
        for service in services:
            tasks.create_task(service.run())
        while "is another service running as 'test'?" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for service in services:
            service.stop()
