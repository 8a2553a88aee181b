"""Subscriptions and unsubscriptions that the broker has not answered yet."""

import asyncio
from collections.abc import Callable

from stream.errors import BrokerError


class Requests:
    """The answers that are waited for, by packet identifier."""

    def __init__(self) -> None:
        self._pending: dict[int, asyncio.Future[bytes]] = {}

    def __contains__(self, packet_id: int) -> bool:
        return packet_id in self._pending

    def expect(self, packet_id: int) -> asyncio.Future[bytes]:
        """Return a future of the codes that answer a request."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending[packet_id] = answer
        return answer

    def answer(self, packet_id: int, codes: bytes) -> None:
        """Take the broker's answer."""
        pending = self._pending.pop(packet_id, None)
        if pending is not None and not pending.done():
            pending.set_result(codes)

    def fail(self, error: Callable[[], BrokerError]) -> None:
        """End each wait with an error of its own."""
        pending = list(self._pending.values())
        self._pending.clear()
        for answer in pending:
            if not answer.done():
                answer.set_exception(error())
                answer.exception()  # a caller that no longer waits is not to be reminded by the event loop
