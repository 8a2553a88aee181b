"""The end of a connection, such that what was sent last arrives."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_READ_BYTES = 65_536
_LONGEST_SECONDS = 2.0
"""For a broker that does not hang up, or is gone; Mosquitto does so within a few milliseconds."""


@asynccontextmanager
async def lingering(sock: socket.socket) -> AsyncIterator[None]:
    """Keep a connection until the other side has ended it too, though `sock` be closed meanwhile.

    A socket that is closed while something unread stands in it resets the connection (RFC 1122, 4.2.2.13), and a reset
    may keep the other side from reading what had come to it before. So whatever still comes is read, and dropped.

    Args:
        sock: A connected TCP socket, TLS on it or not.
    """
    with socket.socket(sock.family, sock.type, sock.proto, fileno=os.dup(sock.fileno())) as kept:
        kept.settimeout(0)
        yield
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LONGEST_SECONDS):
                kept.shutdown(socket.SHUT_WR)
                while await asyncio.get_running_loop().sock_recv(kept, _READ_BYTES):
                    pass
