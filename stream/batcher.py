"""Makes batches of whatever is waiting when an interpreter is free.

No timer: a lone tweet goes at once, and under load batches fill by themselves. A batch holds tweets of one length
bucket, so that none is padded to another's length; the oldest tweet decides which bucket is next, so that none
starves; and a backlog is shared among the interpreters that are free.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stream.classifier import Classifier
from stream.metrics import Departure, Metrics

Probabilities = NDArray[np.float32]


@dataclass(slots=True)
class _Waiting:
    ids: Sequence[int]
    result: asyncio.Future[Probabilities]
    since: float = field(default_factory=time.perf_counter)


class Batcher:
    """Shares interpreters among the tweets that wait; an async context manager that runs them.

    Args:
        classifiers: The interpreters, each of which gets a thread.
        max_batch: Tweets in one inference, at most.
        metrics: Where batch sizes and times are counted.
    """

    def __init__(self, classifiers: Sequence[Classifier], max_batch: int, metrics: Metrics) -> None:
        self._classifiers = classifiers
        self._max_batch = max_batch
        self._metrics = metrics
        self._queues: dict[int, deque[_Waiting]] = {}
        self._count = 0
        self._free = 0
        self._running: list[float] = []
        self._arrived = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._threads = ThreadPoolExecutor(len(classifiers), thread_name_prefix="inference")
        metrics.waiting.set_function(lambda: self._count)
        metrics.oldest_wait_seconds.set_function(self.oldest_wait_seconds)

    async def __aenter__(self) -> Self:
        """Starts a worker for each interpreter."""
        await self._tasks.__aenter__()
        self._workers = [
            self._tasks.create_task(self._work(classifier), name=f"inference-{number}")
            for number, classifier in enumerate(self._classifiers)
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops the workers; what still waits, or is being computed, is cancelled."""
        for worker in self._workers:
            worker.cancel()
        try:
            await self._tasks.__aexit__(kind, error, trace)
        finally:
            for queue in self._queues.values():
                for waiting in queue:
                    waiting.result.cancel()
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def classify(self, ids: Sequence[int]) -> Probabilities:
        """Waits for an interpreter and classifies one tweet.

        Args:
            ids: The tweet's token ids.

        Returns:
            Probabilities, shape (3,), in the order of the manifest's labels.
        """
        waiting = _Waiting(ids, asyncio.get_running_loop().create_future())
        self._queues.setdefault(self._classifiers[0].bucket(len(ids)), deque()).append(waiting)
        self._count += 1
        self._arrived.set()
        return await waiting.result

    def oldest_wait_seconds(self) -> float:
        """How long the oldest tweet that still waits has waited; 0 where none does."""
        heads = [queue[0].since for queue in self._queues.values() if queue]
        return time.perf_counter() - min(heads) if heads else 0.0

    def longest_inference_seconds(self) -> float:
        """How long the inference that has run longest has been running; 0 where none runs."""
        return time.perf_counter() - min(self._running) if self._running else 0.0

    async def _work(self, classifier: Classifier) -> None:
        while True:
            batch = await self._next_batch()
            self._metrics.batch_size.observe(len(batch))
            await self._infer(classifier.probabilities, batch)

    async def _next_batch(self) -> list[_Waiting]:
        self._free += 1
        try:
            while not (batch := self._take()):
                self._arrived.clear()
                await self._arrived.wait()
            return batch
        finally:
            self._free -= 1

    def _take(self) -> list[_Waiting]:
        while self._count:
            batch, departure = self._take_oldest()
            if wanted := [waiting for waiting in batch if not waiting.result.done()]:
                self._metrics.batches.labels(departure).inc()
                return wanted
        return []

    def _take_oldest(self) -> tuple[list[_Waiting], Departure]:
        """Takes a batch from the queue of the oldest tweet, those included whose callers have been cancelled."""
        oldest = min((queue for queue in self._queues.values() if queue), key=lambda queue: queue[0].since)
        fair_share = -(-self._count // self._free)
        size = min(len(oldest), self._max_batch, fair_share)
        self._count -= size
        batch = [oldest.popleft() for _ in range(size)]
        if not oldest:
            return batch, Departure.EMPTIED
        return batch, Departure.FULL if size == self._max_batch else Departure.SHARED

    async def _infer(self, infer: Callable[[Sequence[Sequence[int]]], Probabilities], batch: list[_Waiting]) -> None:
        started = time.perf_counter()
        for waiting in batch:
            self._metrics.stage_seconds.labels("queue").observe(started - waiting.since)
        loop = asyncio.get_running_loop()
        self._running.append(started)
        try:
            rows = await loop.run_in_executor(self._threads, infer, [waiting.ids for waiting in batch])
            self._metrics.stage_seconds.labels("inference").observe(time.perf_counter() - started)
            for waiting, probabilities in zip(batch, rows, strict=True):
                if not waiting.result.done():
                    waiting.result.set_result(probabilities)
        finally:
            self._running.remove(started)
            for waiting in batch:
                waiting.result.cancel()  # without effect on those that have a result
