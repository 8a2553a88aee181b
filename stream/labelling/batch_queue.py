"""The queue of tweets that wait for an interpreter.

A batch holds tweets of one length bucket, so that no tweet is padded to the length of another. The oldest tweet decides
the bucket of the next batch, so that no bucket starves. Waiting tweets are shared among the free interpreters. A batch
of long tweets has fewer of them: more are not faster, need more memory, and make the tweets that arrive next wait.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from stream.model.classifier import Probabilities
from stream.telemetry.metrics import BatchSizeReason, Metrics

MOST_BATCH_TOKENS = 96
"""Tokens in one batch, padding included; a single tweet may have more. Larger batches cost as much per tweet."""


@dataclass(slots=True)
class QueuedTweet:
    """A tweet that waits for an interpreter."""

    ids: Sequence[int]
    result: asyncio.Future[Probabilities]
    since: float = field(default_factory=time.perf_counter)


class BatchQueue:
    """A queue that the event loop fills and the interpreters' threads empty.

    The threads take batches themselves, so that no interpreter waits for a busy event loop.

    Args:
        max_batch: Largest number of tweets in one batch; `MOST_BATCH_TOKENS` limits it further.
        metrics: Counts the reasons for batch sizes.
    """

    def __init__(self, max_batch: int, metrics: Metrics) -> None:
        self.max_batch = max_batch
        """Largest number of tweets in one batch."""
        self._batches = {reason: metrics.batches.labels(reason) for reason in BatchSizeReason}
        self._queues: dict[int, deque[QueuedTweet]] = {}
        self._changed = threading.Condition()
        self.free = 0
        """Number of interpreters that wait for a batch."""
        self._closed = False
        self.count = 0
        """Number of waiting tweets."""

    def put(self, bucket: int, waiting: QueuedTweet) -> None:
        """Add a tweet to its length bucket, without waking the interpreters."""
        with self._changed:
            self._queues.setdefault(bucket, deque()).append(waiting)
            self.count += 1

    def wake(self) -> None:
        """Wake as many waiting interpreters as there are tweets."""
        with self._changed:
            self._changed.notify(self.count)

    def take(self) -> list[QueuedTweet] | None:
        """Wait for the next batch; returns None once the queue is closed."""
        with self._changed:
            self.free += 1
            try:
                while not self._closed:
                    if batch := self._next_batch():
                        return batch
                    self._changed.wait()
                return None
            finally:
                self.free -= 1

    def close(self) -> None:
        """End every `take`, and cancel the tweets that still wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for queue in self._queues.values():
                for waiting in queue:
                    waiting.result.cancel()

    def oldest_wait_seconds(self) -> float:
        """Waiting time of the oldest waiting tweet in seconds; 0 where none waits."""
        with self._changed:
            oldest = [queue[0].since for queue in self._queues.values() if queue]
        return time.perf_counter() - min(oldest) if oldest else 0.0

    def _next_batch(self) -> list[QueuedTweet]:
        while self.count:
            batch, reason = self._pop_batch()
            if uncancelled := [waiting for waiting in batch if not waiting.result.done()]:
                self._batches[reason].inc()
                return uncancelled
        return []

    def _pop_batch(self) -> tuple[list[QueuedTweet], BatchSizeReason]:
        """Take a batch, cancelled tweets included, from the bucket of the oldest tweet."""
        waiting = ((bucket, queue) for bucket, queue in self._queues.items() if queue)
        bucket, oldest = min(waiting, key=lambda item: item[1][0].since)
        fair_share = -(-self.count // self.free)
        limit = most_tweets(bucket, self.max_batch)
        size = min(len(oldest), limit, fair_share)
        self.count -= size
        batch = [oldest.popleft() for _ in range(size)]
        if not oldest:
            return batch, BatchSizeReason.EMPTIED
        return batch, BatchSizeReason.FULL if size == limit else BatchSizeReason.SHARED


def most_tweets(bucket: int, max_batch: int) -> int:
    """Return the largest number of tweets in a batch of a length bucket.

    Args:
        bucket: The length in tokens that each tweet is padded to.
        max_batch: Largest number of tweets in any batch.
    """
    return max(1, min(max_batch, MOST_BATCH_TOKENS // bucket))
