"""Reconnecting of commands: how long they keep trying to reach a broker that went away."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator

import typer

from stream.errors import BrokerError
from stream.mqtt.backoff import reconnect_delays


class Reconnection:
    """The attempts to reach a broker again.

    Args:
        longest_delay_seconds: Delay between two attempts, at most.
        wait_seconds: Time without a connection after which the command gives up. A broker that was never reached is
            not waited for.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, longest_delay_seconds: float, wait_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._longest_delay_seconds = longest_delay_seconds
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._delays: Iterator[float] | None = None
        self._give_up_at = -math.inf

    def reached(self) -> bool:
        """Note that the broker was reached; return whether the connection had been lost before."""
        again = self._delays is not None
        self._delays = None
        self._give_up_at = math.inf
        return again

    async def wait_after(self, error: BrokerError) -> None:
        """Wait until the next attempt is due.

        Raises:
            BrokerError: The given error, where it is time to give up.
        """
        now = self._clock()
        if self._give_up_at == math.inf:
            self._give_up_at = now + self._wait_seconds
            self._delays = reconnect_delays(self._longest_delay_seconds)
            if self._wait_seconds:
                typer.echo(f"{error}; reconnecting for up to {self._wait_seconds:g} s", err=True)
        if self._delays is None or now >= self._give_up_at:
            raise error
        await asyncio.sleep(min(next(self._delays), self._give_up_at - now))
