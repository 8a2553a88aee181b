"""The demo's own MQTT client."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from stream.commands.demo.demo import connected_client


async def test_the_demos_client_sends_small_packets_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    options: list[dict[str, Any]] = []

    @asynccontextmanager
    async def connected(*_: object, **given: Any) -> AsyncIterator[None]:
        options.append(given)
        yield

    monkeypatch.setattr("stream.commands.demo.demo.aiomqtt.Client", connected)
    async with connected_client(1883):
        pass
    (given,) = options
    assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in given["socket_options"]
