"""Answers to subscriptions, without a broker."""

import asyncio

import pytest

from stream.errors import BrokerError
from stream.mqtt.requests import Requests


async def test_each_answer_goes_to_its_request() -> None:
    requests = Requests()
    first, second = requests.expect(1), requests.expect(2)
    assert 1 in requests
    requests.answer(2, b"\x01")
    requests.answer(1, b"\x87")
    assert (await first, await second) == (b"\x87", b"\x01")
    assert 1 not in requests


async def test_an_answer_without_a_request_is_ignored() -> None:
    requests = Requests()
    requests.answer(7, b"\x01")
    answer = requests.expect(1)
    requests.answer(1, b"\x01")
    requests.answer(1, b"\x87")
    assert await answer == b"\x01"


async def test_an_answer_that_is_no_longer_awaited_is_ignored() -> None:
    requests = Requests()
    requests.expect(1).cancel()
    requests.answer(1, b"\x01")
    assert 1 not in requests


async def test_a_lost_connection_fails_every_request_with_its_own_error() -> None:
    requests = Requests()
    gone, *waiting = (requests.expect(number) for number in range(3))
    gone.cancel()
    requests.fail(lambda: BrokerError("the connection is lost"))
    errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(error) for error in errors] == ["the connection is lost"] * 2
    assert errors[0] is not errors[1]
    with pytest.raises(asyncio.CancelledError):
        await gone
