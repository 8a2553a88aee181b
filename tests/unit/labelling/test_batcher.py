import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stream.labelling.batch_queue import most_tweets
from stream.labelling.batcher import Batcher
from stream.telemetry.metrics import Metrics
from tests.unit.fake_classifier import BUCKETS, FakeClassifier
from tests.unit.waiting import until

Answer = asyncio.Task[NDArray[np.float32]]
SHORT, MIDDLE, LONG = BUCKETS


class Bench:
    """A running batcher with fake interpreters."""

    def __init__(self, batcher: Batcher, metrics: Metrics, fakes: Sequence[FakeClassifier]) -> None:
        self.batcher = batcher
        self.metrics = metrics
        self.fakes = fakes

    async def put(self, *tweets: tuple[int, int]) -> list[Answer]:
        """Submit tweets, given as first id and length, and let the batcher queue them."""
        answers = [asyncio.create_task(self.batcher.classify([number] * length)) for number, length in tweets]
        await asyncio.sleep(0)
        return answers

    async def hold(self) -> list[Answer]:
        """Keep every interpreter busy with a tweet of the number 0 until `release`."""
        held = []
        for fake in self.fakes:
            fake.go.clear()
        for _ in self.fakes:
            held += await self.put((0, SHORT))
        for fake in self.fakes:
            await asyncio.to_thread(fake.began.acquire)
        return held

    async def classify_together(self, *tweets: tuple[int, int]) -> None:
        """Classify tweets; no interpreter ends its first batch before each has begun one."""
        for fake in self.fakes:
            fake.go.clear()
        answers = await self.put(*tweets)
        for fake in self.fakes:
            await asyncio.to_thread(fake.began.acquire)
        self.release()
        await numbers_of(answers)

    def release(self) -> None:
        for fake in self.fakes:
            fake.go.set()

    def metric(self, name: str, **labels: str) -> float:
        value = self.metrics.registry.get_sample_value(name, labels)
        assert value is not None
        return value


@asynccontextmanager
async def running(interpreters: int = 1, max_batch: int = 16) -> AsyncIterator[Bench]:
    fakes = [FakeClassifier() for _ in range(interpreters)]
    metrics = Metrics()
    try:
        async with Batcher(fakes, max_batch, metrics) as batcher:
            await until(lambda: batcher.queue.free == interpreters)
            yield Bench(batcher, metrics, fakes)
    finally:
        for fake in fakes:
            fake.go.set()


async def numbers_of(answers: list[Answer]) -> list[int]:
    return [int(row[0]) for row in await asyncio.gather(*answers)]


@given(
    lengths=st.lists(st.integers(1, LONG), max_size=40),
    interpreters=st.integers(1, 3),
    max_batch=st.integers(1, 8),
    held=st.booleans(),
)
def test_every_tweet_is_classified_once_and_answered_to_its_own_caller(
    lengths: list[int], interpreters: int, max_batch: int, *, held: bool
) -> None:
    async def play() -> None:
        async with running(interpreters, max_batch) as bench:
            first = await bench.hold() if held else []
            answers = await bench.put(*((number + 1, length) for number, length in enumerate(lengths)))
            bench.release()
            rows = await asyncio.gather(*answers)
            await asyncio.gather(*first)
        assert [(row[0], row[1]) for row in rows] == [(number + 1, length) for number, length in enumerate(lengths)]
        batches = [batch for fake in bench.fakes for batch in fake.batches]
        inferred = sorted(ids[0] for batch in batches for ids in batch)
        assert inferred == [0] * len(first) + list(range(1, len(lengths) + 1))
        for batch in batches:
            assert len(batch) <= max_batch
            assert len({fake_bucket(len(ids)) for ids in batch}) == 1

    asyncio.run(play())


def fake_bucket(length: int) -> int:
    return next(bucket for bucket in BUCKETS if length <= bucket)


async def test_a_single_tweet_is_classified_at_once() -> None:
    async with running(max_batch=16) as bench:
        assert await numbers_of(await bench.put((1, SHORT))) == [1]
    assert bench.fakes[0].first_ids == [[1]]


async def test_a_batch_of_long_tweets_has_fewer_of_them() -> None:
    async with running(max_batch=16) as bench:
        await bench.hold()
        answers = await bench.put(*((number, LONG) for number in range(1, 9)))
        bench.release()
        await numbers_of(answers)
    assert bench.fakes[0].first_ids == [[0], [1, 2, 3, 4, 5, 6], [7, 8]]
    assert bench.metric("starling_batches_total", reason="full") == 1


@pytest.mark.parametrize(("bucket", "tweets"), [(4, 8), (12, 8), (16, 6), (24, 4), (48, 2), (80, 1), (512, 1)])
def test_a_batch_has_at_most_96_tokens_or_a_single_tweet(bucket: int, tweets: int) -> None:
    assert most_tweets(bucket, 8) == tweets


async def test_tweets_that_arrive_while_the_interpreter_is_busy_form_a_batch() -> None:
    async with running() as bench:
        await bench.hold()
        answers = await bench.put((1, SHORT), (2, SHORT))
        answers += await bench.put((3, SHORT))
        bench.release()
        await numbers_of(answers)
    assert bench.fakes[0].first_ids == [[0], [1, 2, 3]]


async def test_the_oldest_tweet_decides_the_bucket_of_a_batch() -> None:
    async with running() as bench:
        await bench.hold()
        answers = await bench.put((1, LONG), (2, SHORT), (3, LONG - 1), (4, MIDDLE), (5, 1))
        bench.release()
        await numbers_of(answers)
    assert bench.fakes[0].first_ids == [[0], [1, 3], [2, 5], [4]]


async def test_a_full_bucket_does_not_starve_an_older_tweet_of_another() -> None:
    async with running(max_batch=2) as bench:
        await bench.hold()
        answers = await bench.put((1, SHORT), (2, SHORT), (3, LONG), (4, SHORT), (5, SHORT), (6, SHORT))
        bench.release()
        await numbers_of(answers)
    assert bench.fakes[0].first_ids == [[0], [1, 2], [3], [4, 5], [6]]


async def test_a_queue_is_shared_among_the_interpreters_that_are_free() -> None:
    async with running(interpreters=3) as bench:
        await bench.classify_together(*((number, SHORT) for number in range(9)))
    assert sorted(map(len, (batch for fake in bench.fakes for batch in fake.batches))) == [3, 3, 3]


async def test_the_only_free_interpreter_takes_all_waiting_tweets() -> None:
    async with running(interpreters=2) as bench:
        await bench.hold()
        answers = await bench.put(*((number, SHORT) for number in range(1, 7)))
        bench.fakes[1].go.set()
        await numbers_of(answers)
        bench.release()
    assert bench.fakes[1].first_ids == [[0], [1, 2, 3, 4, 5, 6]]


async def test_a_tweet_whose_caller_was_cancelled_is_not_classified() -> None:
    async with running() as bench:
        await bench.hold()
        gone, stays = await bench.put((1, SHORT), (2, SHORT))
        gone.cancel()
        await asyncio.wait([gone])
        bench.release()
        assert await numbers_of([stays]) == [2]
    assert bench.fakes[0].first_ids == [[0], [2]]


async def test_a_caller_cancelled_during_inference_does_not_affect_others() -> None:
    async with running() as bench:
        (gone,) = await bench.hold()
        (stays,) = await bench.put((2, SHORT))
        gone.cancel()
        await asyncio.wait([gone])
        bench.release()
        assert await numbers_of([stays]) == [2]


async def test_many_cancelled_callers_do_not_affect_others() -> None:
    async with running(max_batch=1) as bench:
        await bench.hold()
        gone = await bench.put(*((1, SHORT) for _ in range(2000)))
        (stays,) = await bench.put((2, SHORT))
        for answer in gone:
            answer.cancel()
        await asyncio.wait(gone)
        bench.release()
        assert await numbers_of([stays]) == [2]
    assert bench.fakes[0].first_ids == [[0], [2]]


async def test_an_inference_that_fails_ends_the_context_with_its_error() -> None:
    broken = FakeClassifier(RuntimeError("out of memory"))
    with pytest.raises(ExceptionGroup) as caught:
        async with Batcher([broken], 16, Metrics()) as batcher:
            await batcher.classify([1])
    assert caught.group_contains(RuntimeError, match="out of memory")


async def test_an_inference_that_fails_ends_a_context_that_waits_for_something_else() -> None:
    answers: list[Answer] = []

    async def serve() -> None:
        async with Batcher([FakeClassifier(RuntimeError("out of memory"))], 16, Metrics()) as batcher:
            answers.append(asyncio.create_task(batcher.classify([1])))
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await serve()
    assert caught.group_contains(RuntimeError, match="out of memory")
    await asyncio.wait(answers)
    assert answers[0].cancelled()


async def test_a_missing_result_ends_the_context() -> None:
    class Short(FakeClassifier):
        def probabilities(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
            return super().probabilities(batch)[1:]

    with pytest.raises(ExceptionGroup) as caught:
        async with Batcher([Short()], 16, Metrics()) as batcher:
            await batcher.classify([1])
    assert caught.group_contains(ValueError)


async def test_closing_cancels_waiting_and_running_tweets() -> None:
    async with running() as bench:
        computed = await bench.hold()
        waiting = await bench.put((1, SHORT), (2, LONG))
    await asyncio.wait([*computed, *waiting])
    assert all(answer.cancelled() for answer in (*computed, *waiting))


async def test_closing_cancels_the_running_tweets_of_every_interpreter() -> None:
    async with running(interpreters=2) as bench:
        computed = await bench.hold()
    _, pending = await asyncio.wait(computed, timeout=30)
    assert not pending
    assert all(answer.cancelled() for answer in computed)


async def test_metrics_show_waiting_tweets_and_their_waiting_time() -> None:
    async with running() as bench:
        held = await bench.hold()
        before = time.perf_counter()
        answers = await bench.put((1, SHORT), (2, LONG))
        assert bench.metric("starling_batcher_waiting") == 2
        waited = bench.metric("starling_batcher_oldest_wait_seconds")
        assert 0 < waited <= time.perf_counter() - before
        bench.release()
        await numbers_of([*held, *answers])
        assert bench.metric("starling_batcher_waiting") == 0
        assert bench.metric("starling_batcher_oldest_wait_seconds") == 0


async def test_the_longest_inference_is_timed_while_it_runs() -> None:
    async with running(interpreters=2) as bench:
        assert bench.batcher.longest_inference_seconds() == 0
        before = time.perf_counter()
        held = await bench.hold()
        longest = bench.batcher.longest_inference_seconds()
        assert 0 < longest < bench.batcher.longest_inference_seconds() <= time.perf_counter() - before
        bench.release()
        await numbers_of(held)
        await until(lambda: bench.batcher.longest_inference_seconds() == 0)


async def test_no_thread_is_left_behind() -> None:
    before = set(threading.enumerate())
    async with running(interpreters=2) as bench:
        await numbers_of(await bench.put((1, SHORT), (2, SHORT)))
        assert set(threading.enumerate()) - before  # threads of earlier tests may still be ending
    await until(lambda: set(threading.enumerate()) <= before)


async def test_metrics_count_batches_tweets_and_times() -> None:
    before = time.perf_counter()
    async with running() as bench:
        held = await bench.hold()
        answers = await bench.put((1, SHORT), (2, SHORT))
        bench.release()
        await numbers_of([*held, *answers])
    assert bench.metric("starling_batch_size_sum") == 3
    assert bench.metric("starling_batch_size_count") == 2
    assert bench.metric("starling_stage_seconds_count", stage="queue") == 3
    assert bench.metric("starling_stage_seconds_count", stage="inference") == 2
    passed_seconds = time.perf_counter() - before
    assert 0 < bench.metric("starling_stage_seconds_sum", stage="queue") <= 3 * passed_seconds
    assert 0 < bench.metric("starling_stage_seconds_sum", stage="inference") <= passed_seconds


@pytest.mark.parametrize(
    ("interpreters", "max_batch", "departures"),
    [
        (1, 16, {"emptied": 1.0, "shared": 0.0, "full": 0.0}),
        (1, 4, {"emptied": 1.0, "shared": 0.0, "full": 2.0}),
        (3, 16, {"emptied": 1.0, "shared": 2.0, "full": 0.0}),
    ],
)
async def test_metrics_count_the_reasons_for_batch_sizes(
    interpreters: int, max_batch: int, departures: dict[str, float]
) -> None:
    async with running(interpreters, max_batch) as bench:
        await bench.classify_together(*((number, SHORT) for number in range(9)))
    assert {reason: bench.metric("starling_batches_total", reason=reason) for reason in departures} == departures
