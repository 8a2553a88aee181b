"""The demo's broker on machines that are too slow for it."""

import asyncio
import logging
from collections.abc import Callable
from types import FunctionType

import pytest

from stream.commands.demo.embedded_broker import counted_errors, most_in_flight


@pytest.mark.parametrize(("tweets_per_second", "most"), [(0.0, 2), (0.5, 2), (4.0, 8), (16.0, 32), (1000.0, 32)])
def test_fewer_tweets_are_in_flight_on_a_slower_machine(tweets_per_second: float, most: int) -> None:
    assert most_in_flight(tweets_per_second) == most


def fail() -> None:
    raise TimeoutError("no PUBACK")


def broker_function() -> FunctionType:
    """A function that fails, in a module of the broker."""
    return FunctionType(fail.__code__, {"__name__": "amqtt.broker", "TimeoutError": TimeoutError})


async def lose_a_task(function: Callable[[], None]) -> None:
    async def run() -> None:
        function()

    task = asyncio.create_task(run())
    await asyncio.wait([task])


def test_errors_of_the_broker_are_counted_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with counted_errors():
        logging.getLogger("amqtt.broker").error("Task failed", exc_info=TimeoutError("no PUBACK"))
        asyncio.run(lose_a_task(broker_function()))
    err = capsys.readouterr().err
    assert err.startswith("the demo's broker reported 2 error(s): ")
    assert len(err.splitlines()) == 1


def test_a_lost_exception_of_our_own_is_still_logged(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with counted_errors():
        asyncio.run(lose_a_task(fail))
    assert "Task exception was never retrieved" in caplog.text
    assert capsys.readouterr().err == ""


def test_without_errors_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with counted_errors():
        logging.getLogger("amqtt.broker").info("connected")
    assert capsys.readouterr().err == ""
