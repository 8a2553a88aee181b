"""Makes batches of whatever is waiting when an interpreter is free.

No timer: a lone tweet goes at once, and under load batches fill by themselves.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Self

from stream.labelling.batch_queue import BatchQueue, Probabilities, QueuedTweet
from stream.model.classifier import Classifier
from stream.telemetry.metrics import Metrics


class Batcher:
    """Shares interpreters among the tweets that wait; an async context manager that runs them.

    Args:
        classifiers: The interpreters, each of which gets a thread.
        max_batch: Tweets in one inference, at most.
        metrics: Where batch sizes and times are counted.
    """

    def __init__(self, classifiers: Sequence[Classifier], max_batch: int, metrics: Metrics) -> None:
        self._classifiers = classifiers
        self._batch_size = metrics.batch_size
        self._queue_seconds = metrics.stage_seconds.labels("queue")
        self._inference_seconds = metrics.stage_seconds.labels("inference")
        self._queue = BatchQueue(max_batch, metrics)
        self._wake_is_due = False
        self._under_way: dict[int, tuple[float, list[QueuedTweet]]] = {}
        """By interpreter: when its inference began, and of what."""
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.TaskGroup()
        self._threads = ThreadPoolExecutor(len(classifiers), thread_name_prefix="inference")
        metrics.waiting.set_function(lambda: self._queue.count)
        metrics.oldest_wait_seconds.set_function(self._queue.oldest_wait_seconds)

    async def __aenter__(self) -> Self:
        """Start a thread for each interpreter."""
        await self._tasks.__aenter__()
        self._workers = [
            self._tasks.create_task(self._watch(number, classifier), name=f"inference-{number}")
            for number, classifier in enumerate(self._classifiers)
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send the threads home; what still waits, or is being computed, is cancelled."""
        self._queue.close()
        for worker in self._workers:
            worker.cancel()
        try:
            await self._tasks.__aexit__(kind, error, trace)
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def classify(self, ids: Sequence[int]) -> Probabilities:
        """Wait for an interpreter and classify one tweet.

        Args:
            ids: The tweet's token ids.

        Returns:
            Probabilities, shape (3,), in the order of the manifest's labels.
        """
        waiting = QueuedTweet(ids, self._loop.create_future())
        self._queue.put(self._classifiers[0].bucket(len(ids)), waiting)
        if not self._wake_is_due:
            self._wake_is_due = True
            self._loop.call_soon(self._wake)  # after all that came with it
        return await waiting.result

    def longest_inference_seconds(self) -> float:
        """How long the inference that has run longest has been running; 0 where none runs."""
        started = [started for started, _ in list(self._under_way.values())]
        return time.perf_counter() - min(started) if started else 0.0

    def _wake(self) -> None:
        self._wake_is_due = False
        self._queue.wake()

    async def _watch(self, number: int, classifier: Classifier) -> None:
        """End with an interpreter's thread, in whatever that ends in."""
        try:
            await self._loop.run_in_executor(self._threads, self._work, number, classifier)
        finally:
            _, batch = self._under_way.pop(number, (0.0, []))
            for waiting in batch:
                waiting.result.cancel()

    def _work(self, number: int, classifier: Classifier) -> None:
        """Classify batch after batch, in a thread."""
        while (batch := self._queue.take()) is not None:
            started = time.perf_counter()
            self._under_way[number] = started, batch
            rows = classifier.probabilities([waiting.ids for waiting in batch])
            answers = list(zip(batch, rows, strict=True))
            with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
                self._loop.call_soon_threadsafe(self._answer, answers, started, time.perf_counter())
            self._under_way.pop(number, None)

    def _answer(self, answers: list[tuple[QueuedTweet, Probabilities]], started: float, ended: float) -> None:
        self._batch_size.observe(len(answers))
        self._inference_seconds.observe(ended - started)
        for waiting, probabilities in answers:
            self._queue_seconds.observe(started - waiting.since)
            if not waiting.result.done():
                waiting.result.set_result(probabilities)
