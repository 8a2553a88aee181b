"""Energy during a measurement, from the meter or the machine's own counter if there is one."""

import asyncio
import threading
import time
from collections import deque
from types import TracebackType
from typing import Self

from stream.errors import MeterError
from stream.power.reading import Reading
from stream.power.source import choose_source
from stream.settings import PowerSettings


class EnergyLog:
    """Reads the energy source in a thread until the context ends; without a source it has no readings.

    Args:
        settings: The settings of the source.

    Raises:
        MeterError: The settings name a source that does not exist.
    """

    def __init__(self, settings: PowerSettings) -> None:
        self._source = choose_source(settings)
        self.source = self._source.name if self._source else None
        self._readings: deque[tuple[float, Reading]] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="energy", daemon=True)
        self.failure: str | None = None

    def __enter__(self) -> Self:
        """Start reading."""
        if self._source:
            self._task = self._loop.create_task(self._read(), name="energy")
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop reading."""
        if self._source:
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join()
        self._loop.close()

    def joules(self, start: float, end: float) -> float | None:
        """Return the energy of the whole machine between two times of `time.monotonic`; None if unknown."""
        parts = [(_overlap(start, end, at - reading.seconds, at), reading) for at, reading in self._readings]
        covered = sum(seconds for seconds, _ in parts)
        if not covered:
            return None
        watts = sum(seconds * reading.watts.value for seconds, reading in parts) / covered
        return watts * (end - start)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            return
        except MeterError as error:
            self.failure = str(error)

    async def _read(self) -> None:
        if self._source:
            async for reading in self._source.readings():
                self._readings.append((time.monotonic(), reading))


def _overlap(start: float, end: float, other_start: float, other_end: float) -> float:
    return max(0.0, min(end, other_end) - max(start, other_start))
