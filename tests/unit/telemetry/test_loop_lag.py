"""The delay of the event loop's timers, with a clock that the test sets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from prometheus_client import Histogram

from stream.telemetry.loop_lag import _INTERVAL_SECONDS, measure_loop_lag


class Clock:
    """The event loop's clock, which stands until it is set."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


class Observed(Histogram):
    """A histogram whose observations can be awaited."""

    def __init__(self) -> None:
        super().__init__("lag", "Lag.", registry=None)
        self.values: asyncio.Queue[float] = asyncio.Queue()

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        super().observe(amount, exemplar)
        self.values.put_nowait(amount)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    loop = asyncio.get_running_loop()
    clock = Clock(loop.time())
    monkeypatch.setattr(loop, "time", clock)
    return clock


@pytest.fixture
async def observed(clock: Clock) -> AsyncIterator[Observed]:
    """The histogram of a measurement that has started."""
    assert clock
    histogram = Observed()
    measuring = asyncio.create_task(measure_loop_lag(histogram))
    await asyncio.sleep(0)
    yield histogram
    measuring.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await measuring


async def test_a_blocked_loop_shows_its_delay(observed: Observed, clock: Clock) -> None:
    clock.seconds += _INTERVAL_SECONDS + 0.2
    assert await observed.values.get() == pytest.approx(0.2)


async def test_the_delay_is_measured_repeatedly(observed: Observed, clock: Clock) -> None:
    for delay_seconds in (0.0, 0.3, 0.0):
        clock.seconds += _INTERVAL_SECONDS + delay_seconds
        assert await observed.values.get() == pytest.approx(delay_seconds)


async def test_an_early_timer_is_no_negative_delay(observed: Observed, clock: Clock) -> None:
    clock.seconds += _INTERVAL_SECONDS * (1 - 1e-12)  # within the clock's resolution, as the loop allows
    assert await observed.values.get() == 0
