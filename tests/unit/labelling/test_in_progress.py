import asyncio

import pytest

from stream.labelling.in_progress import InProgress


async def test_it_is_idle_until_the_first_item_begins_and_after_the_last_one_ended() -> None:
    work = InProgress()
    await work.idle()
    first, second = work.begin(), work.begin()
    idle = asyncio.create_task(work.idle())
    work.end(first)
    await asyncio.sleep(0)
    assert (len(work), idle.done()) == (1, False)
    work.end(second)
    await idle
    assert len(work) == 0


async def test_an_item_ends_with_its_context_even_in_an_error() -> None:
    work = InProgress()
    with pytest.raises(asyncio.CancelledError), work.item():
        raise asyncio.CancelledError
    await work.idle()
    assert len(work) == 0


def test_the_age_is_that_of_the_oldest_item(monkeypatch: pytest.MonkeyPatch) -> None:
    work, numbers = InProgress(), []
    assert work.oldest_seconds() == 0
    for seconds in (100.0, 103.0):
        monkeypatch.setattr("time.monotonic", lambda seconds=seconds: seconds)
        numbers.append(work.begin())
    monkeypatch.setattr("time.monotonic", lambda: 110.0)
    assert work.oldest_seconds() == 10
    work.end(numbers[0])
    assert work.oldest_seconds() == 7
