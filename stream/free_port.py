"""A free TCP port on this machine, for a server that is about to be started."""

import contextlib
import random
import socket

_PORTS = range(10_000, 32_768)
"""Linux gives the ports from 32768 on to outgoing connections, which could take a free one at any moment."""


def free_port() -> int:
    """Return a random TCP port of 127.0.0.1 on which nothing listens now."""
    while True:
        port = random.choice(_PORTS)  # noqa: S311  (no secret depends on it)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
