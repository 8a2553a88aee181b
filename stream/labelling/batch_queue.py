"""What waits for an interpreter, and which of it goes next.

A batch holds tweets of one length bucket, so that none is padded to another's length; the oldest tweet decides which
bucket is next, so that none starves; and a backlog is shared among the interpreters that are free.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stream.telemetry.metrics import Departure, Metrics

Probabilities = NDArray[np.float32]


@dataclass(slots=True)
class QueuedTweet:
    """A tweet that waits."""

    ids: Sequence[int]
    result: asyncio.Future[Probabilities]
    since: float = field(default_factory=time.perf_counter)


class BatchQueue:
    """Filled by the event loop, emptied by the interpreters' threads.

    They take for themselves, rather than being given, so that none idles while the event loop has other things to do.

    Args:
        max_batch: Tweets in one batch, at most.
        metrics: Where it is counted what decided a batch's size.
    """

    def __init__(self, max_batch: int, metrics: Metrics) -> None:
        self._max_batch = max_batch
        self._departures = {departure: metrics.batches.labels(departure) for departure in Departure}
        self._queues: dict[int, deque[QueuedTweet]] = {}
        self._changed = threading.Condition()
        self._free = 0
        self._closed = False
        self.count = 0
        """Tweets that wait."""

    def put(self, bucket: int, waiting: QueuedTweet) -> None:
        """Add a tweet to those of its length; `wake` tells the interpreters."""
        with self._changed:
            self._queues.setdefault(bucket, deque()).append(waiting)
            self.count += 1

    def wake(self) -> None:
        """Tell the interpreters that there is something to do."""
        with self._changed:
            self._changed.notify(self.count)

    def take(self) -> list[QueuedTweet] | None:
        """Wait for the next batch; None once the backlog is closed."""
        with self._changed:
            self._free += 1
            try:
                while not self._closed:
                    if batch := self._next_batch():
                        return batch
                    self._changed.wait()
                return None
            finally:
                self._free -= 1

    def close(self) -> None:
        """Send the interpreters home, and cancel what still waits."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for queue in self._queues.values():
                for waiting in queue:
                    waiting.result.cancel()

    def oldest_wait_seconds(self) -> float:
        """How long the oldest tweet that still waits has waited; 0 where none does."""
        with self._changed:
            heads = [queue[0].since for queue in self._queues.values() if queue]
        return time.perf_counter() - min(heads) if heads else 0.0

    def _next_batch(self) -> list[QueuedTweet]:
        while self.count:
            batch, departure = self._pop_batch()
            if wanted := [waiting for waiting in batch if not waiting.result.done()]:
                self._departures[departure].inc()
                return wanted
        return []

    def _pop_batch(self) -> tuple[list[QueuedTweet], Departure]:
        """Take a batch from the queue of the oldest tweet, those included whose callers have been cancelled."""
        oldest = min((queue for queue in self._queues.values() if queue), key=lambda queue: queue[0].since)
        fair_share = -(-self.count // self._free)
        size = min(len(oldest), self._max_batch, fair_share)
        self.count -= size
        batch = [oldest.popleft() for _ in range(size)]
        if not oldest:
            return batch, Departure.EMPTIED
        return batch, Departure.FULL if size == self._max_batch else Departure.SHARED
