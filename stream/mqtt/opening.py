"""Opening a connection's socket: name resolution, TCP, TLS."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

_TLS_CLOSE_SECONDS = 2.0

StreamProtocol = TypeVar("StreamProtocol", bound=asyncio.BaseProtocol)


async def open_transport(
    protocol: Callable[[], StreamProtocol],
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    timeout_seconds: float,
) -> StreamProtocol:
    """Connect to the first of the host's addresses that answers.

    asyncio sets TCP_NODELAY; without it Nagle's algorithm would hold small packets back for some 40 ms.

    Args:
        protocol: Makes the protocol.
        host: A name or an address.
        port: The port.
        tls: The TLS context, which checks the broker's certificate for `host`; None: no TLS.
        timeout_seconds: The time for all addresses together.

    Raises:
        OSError: No address answers, or TLS fails; TimeoutError if it took too long.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout_seconds
    async with asyncio.timeout_at(until):
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = OSError(f"{host} has no address")
    for number, (family, _, _, _, address) in enumerate(addresses):
        share = (until - loop.time()) / (len(addresses) - number)  # so that one silent address leaves time for the next
        try:
            async with asyncio.timeout(share):
                _, connected = await loop.create_connection(
                    protocol,
                    str(address[0]),
                    port,
                    family=family,
                    ssl=tls,
                    server_hostname=host if tls else None,
                    ssl_shutdown_timeout=_TLS_CLOSE_SECONDS if tls else None,
                )
        except TimeoutError:
            failure = TimeoutError(f"no answer within {timeout_seconds:g} s")
        except OSError as error:
            failure = error
            if isinstance(error, ssl.SSLError):
                break  # another address of the same broker would not do better
        else:
            return connected
    raise failure
