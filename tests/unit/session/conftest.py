"""A broker without a network in the place of connections, and a clock without waits."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from stream.session import broker_check, node_session, proof, subscriptions
from tests.unit.session.memory_broker import MemoryBroker
from tests.unit.virtual_time import VirtualTimeLoop


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give each test its event loop (pytest-asyncio's hook)."""
    if item.get_closest_marker("virtual_time"):
        return {"virtual": VirtualTimeLoop}
    return {"default": asyncio.new_event_loop}


@pytest.fixture
async def memory_broker(monkeypatch: pytest.MonkeyPatch) -> MemoryBroker:
    """Connect everything to this broker, and let `time.monotonic` be the event loop's clock."""
    broker = MemoryBroker()
    for module in (broker_check, node_session, proof, subscriptions):
        monkeypatch.setattr(module, "Connection", broker.connection)
    monkeypatch.setattr("time.monotonic", asyncio.get_running_loop().time)
    return broker
