import asyncio

import pytest

from stream.labelling.in_progress import InProgress
from tests.unit.waiting import until


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


async def test_the_age_is_that_of_the_oldest_item() -> None:
    work = InProgress()
    assert work.oldest_seconds() == 0
    oldest = work.begin()
    await until(lambda: work.oldest_seconds() > 0.01)
    work.begin()
    assert work.oldest_seconds() > 0.01
    work.end(oldest)
    assert len(work) == 1
