import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from prometheus_client import Histogram

from stream.telemetry import loop_lag
from stream.telemetry.loop_lag import measure_loop_lag

INTERVAL_SECONDS = 0.02
BLOCKED_SECONDS = 0.1


class Observed(Histogram):
    """A histogram whose observations can be awaited."""

    def __init__(self) -> None:
        super().__init__("lag", "Lag.", registry=None)
        self.values: asyncio.Queue[float] = asyncio.Queue()

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        super().observe(amount, exemplar)
        self.values.put_nowait(amount)


@pytest.fixture
async def observed(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Observed]:
    """The histogram of a measurement that has begun."""
    monkeypatch.setattr(loop_lag, "_INTERVAL_SECONDS", INTERVAL_SECONDS)
    histogram = Observed()
    measuring = asyncio.create_task(measure_loop_lag(histogram))
    await asyncio.sleep(0)
    yield histogram
    measuring.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await measuring


async def test_a_loop_that_was_blocked_shows_for_how_long(observed: Observed) -> None:
    time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251  (the fault that is to be seen)
    assert await observed.values.get() >= BLOCKED_SECONDS - INTERVAL_SECONDS - 0.001


async def test_the_lag_is_measured_again_and_again_and_never_below_none(observed: Observed) -> None:
    assert min([await observed.values.get() for _ in range(3)]) >= 0
