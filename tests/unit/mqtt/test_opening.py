"""The addresses of a broker, tried one after the other, in a network that the test makes."""

import asyncio
import socket
import ssl
from typing import Any

import pytest

from stream.mqtt.opening import open_transport
from tests.unit.virtual_time import VirtualTimeLoop

HOST, PORT = "broker.example", 8883
FIRST, SECOND, THIRD = "192.0.2.1", "192.0.2.2", "192.0.2.3"
SILENT = object()
"""In the place of an error: there is no answer."""


class Network:
    """Resolves the broker's name to some addresses, which accept or fail."""

    def __init__(self, **addresses: object) -> None:
        self.addresses: dict[str, object] = addresses
        """Error of the attempt to connect to each address; None: it accepts."""
        self.resolves_in_seconds = 0
        self.families = dict.fromkeys((FIRST, SECOND, THIRD), socket.AF_INET)
        self.asked: list[tuple[Any, ...]] = []
        self.attempts: list[tuple[float, str, int]] = []
        self.options: dict[str, Any] = {}

    def open(self, tls: ssl.SSLContext | None = None, seconds: float = 30) -> asyncio.BaseProtocol:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(self._open(tls, seconds))

    async def _open(self, tls: ssl.SSLContext | None, seconds: float) -> asyncio.BaseProtocol:
        loop: Any = asyncio.get_running_loop()
        self.started = loop.time()
        loop.getaddrinfo, loop.create_connection = self._resolve, self._connect
        try:
            return await open_transport(asyncio.Protocol, HOST, PORT, tls, seconds)
        finally:
            self.lasted = loop.time() - self.started

    async def _resolve(self, host: object, port: object, **options: Any) -> list[tuple[Any, ...]]:
        self.asked.append((host, port, options))
        await asyncio.sleep(self.resolves_in_seconds)
        return [(self.families[one], socket.SOCK_STREAM, 6, "", (one, PORT)) for one in self.addresses]

    async def _connect(self, protocol: type[asyncio.Protocol], host: str, port: int, **options: Any) -> tuple[Any, ...]:
        self.attempts.append((asyncio.get_running_loop().time() - self.started, host, port))
        self.options = options
        error = self.addresses[host]
        if error is SILENT:
            await asyncio.sleep(1000)
        if isinstance(error, Exception):
            raise error
        return None, protocol()


def network(*addresses: tuple[str, object]) -> Network:
    return Network(**dict(addresses))


def test_the_name_is_resolved_for_tcp_and_its_first_address_is_connected_to() -> None:
    made = network((FIRST, None), (SECOND, None))
    assert isinstance(made.open(), asyncio.Protocol)
    assert made.asked == [(HOST, PORT, {"type": socket.SOCK_STREAM})]
    assert made.attempts == [(0, FIRST, PORT)]
    assert made.options == {
        "family": socket.AF_INET,
        "ssl": None,
        "server_hostname": None,
        "ssl_shutdown_timeout": None,
    }


def test_tls_is_given_the_brokers_name_and_two_seconds_to_close() -> None:
    made, context = network((FIRST, None)), ssl.create_default_context()
    made.families[FIRST] = socket.AF_INET6
    made.open(context)
    assert made.options == {
        "family": socket.AF_INET6,
        "ssl": context,
        "server_hostname": HOST,
        "ssl_shutdown_timeout": 2,
    }


def test_silent_addresses_share_the_time() -> None:
    made = network((FIRST, SILENT), (SECOND, SILENT), (THIRD, SILENT))
    with pytest.raises(TimeoutError, match=r"^no answer within 30 s$"):
        made.open()
    assert made.attempts == [(0, FIRST, PORT), (10, SECOND, PORT), (20, THIRD, PORT)]
    assert made.lasted == 30


def test_an_address_that_refuses_leaves_its_time_to_the_next() -> None:
    made = network((FIRST, ConnectionRefusedError()), (SECOND, SILENT), (THIRD, None))
    made.open()
    assert made.attempts == [(0, FIRST, PORT), (0, SECOND, PORT), (15, THIRD, PORT)]


def test_the_error_is_that_of_the_last_address() -> None:
    refused = ConnectionRefusedError()
    with pytest.raises(ConnectionRefusedError) as caught:
        network((FIRST, SILENT), (SECOND, refused)).open()
    assert caught.value is refused


def test_after_an_error_of_tls_no_other_address_is_tried() -> None:
    made = network((FIRST, ssl.SSLError("untrusted")), (SECOND, None))
    with pytest.raises(ssl.SSLError, match="untrusted"):
        made.open(ssl.create_default_context())
    assert made.attempts == [(0, FIRST, PORT)]


def test_a_name_without_an_address_is_an_error() -> None:
    with pytest.raises(OSError, match=r"^broker\.example has no address$"):
        network().open()


def test_a_name_server_that_does_not_answer_takes_no_longer_than_allowed() -> None:
    made = network((FIRST, None))
    made.resolves_in_seconds = 1000
    with pytest.raises(TimeoutError):
        made.open(seconds=7)
    assert made.lasted == 7


def test_the_time_for_the_name_is_missing_for_the_addresses() -> None:
    made = network((FIRST, SILENT))
    made.resolves_in_seconds = 20
    with pytest.raises(TimeoutError):
        made.open()
    assert made.lasted == 30
