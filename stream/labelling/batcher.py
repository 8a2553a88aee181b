"""Batches of the tweets that wait when an interpreter becomes free.

There is no timer: a single tweet is classified at once, and under load batches fill by themselves.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Self

from stream.labelling.batch_queue import BatchQueue, QueuedTweet
from stream.model.classifier import AnyClassifier, Probabilities
from stream.telemetry.metrics import Metrics


class Batcher:
    """An async context manager that runs interpreters in threads and shares waiting tweets among them.

    Args:
        classifiers: The interpreters; each gets a thread.
        max_batch: Largest number of tweets in one inference.
        metrics: Observes batch sizes and times.
    """

    def __init__(self, classifiers: Sequence[AnyClassifier], max_batch: int, metrics: Metrics) -> None:
        self._classifiers = classifiers
        self._batch_size = metrics.batch_size
        self._queue_seconds = metrics.stage_seconds.labels("queue")
        self._inference_seconds = metrics.stage_seconds.labels("inference")
        self.queue = BatchQueue(max_batch, metrics)
        """The tweets that wait for an interpreter."""
        self._wake_is_scheduled = False
        self._running: dict[int, tuple[float, list[QueuedTweet]]] = {}
        """Start time and tweets of the inference that each interpreter runs now, by the interpreter's number."""
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.TaskGroup()
        self._threads = ThreadPoolExecutor(len(classifiers), thread_name_prefix="inference")
        metrics.waiting.set_function(lambda: self.queue.count)
        metrics.oldest_wait_seconds.set_function(self.queue.oldest_wait_seconds)

    async def __aenter__(self) -> Self:
        """Start a thread for each interpreter."""
        await self._tasks.__aenter__()
        self._workers = [
            self._tasks.create_task(self._run_interpreter(number, classifier), name=f"inference-{number}")
            for number, classifier in enumerate(self._classifiers)
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the threads; tweets that wait or are being classified are cancelled."""
        self.queue.close()
        for worker in self._workers:
            worker.cancel()
        try:
            await self._tasks.__aexit__(kind, error, trace)
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def classify(self, ids: Sequence[int]) -> Probabilities:
        """Wait for an interpreter and classify one tweet.

        Args:
            ids: The tweet's row of token ids.

        Returns:
            The classifier's row for it.
        """
        waiting = QueuedTweet(ids, self._loop.create_future())
        self.queue.put(self._classifiers[0].bucket(len(ids)), waiting)
        if not self._wake_is_scheduled:
            self._wake_is_scheduled = True
            self._loop.call_soon(self._wake)  # after all tweets that arrived together were queued
        return await waiting.result

    def longest_inference_seconds(self) -> float:
        """Time in seconds since the oldest running inference began; 0 where none runs."""
        started = [started for started, _ in list(self._running.values())]
        return time.perf_counter() - min(started) if started else 0.0

    def _wake(self) -> None:
        self._wake_is_scheduled = False
        self.queue.wake()

    async def _run_interpreter(self, number: int, classifier: AnyClassifier) -> None:
        """Run an interpreter's thread; an error in the thread ends this task with it."""
        try:
            await self._loop.run_in_executor(self._threads, self._classify_batches, number, classifier)
        finally:
            _, batch = self._running.pop(number, (0.0, []))
            for waiting in batch:
                waiting.result.cancel()

    def _classify_batches(self, number: int, classifier: AnyClassifier) -> None:
        """Classify one batch after another until the queue is closed; runs in a thread."""
        while (batch := self.queue.take()) is not None:
            started = time.perf_counter()
            self._running[number] = started, batch
            rows = classifier.probabilities([waiting.ids for waiting in batch])
            results = list(zip(batch, rows, strict=True))
            with suppress(RuntimeError):  # the loop is closed, so nothing waits for the results
                self._loop.call_soon_threadsafe(self._set_results, results, started, time.perf_counter())
            self._running.pop(number, None)

    def _set_results(self, results: list[tuple[QueuedTweet, Probabilities]], started: float, ended: float) -> None:
        self._batch_size.observe(len(results))
        self._inference_seconds.observe(ended - started)
        for waiting, probabilities in results:
            self._queue_seconds.observe(started - waiting.since)
            if not waiting.result.done():
                waiting.result.set_result(probabilities)
