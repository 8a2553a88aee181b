"""A broker inside this process, so that the demo needs nothing else. MQTT 3.1.1 only, and no match for a real one."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stream.errors import StarlingError
from stream.free_port import free_port

HOST = "127.0.0.1"
WINDOW = 32
"""Tweets that may wait for their acknowledgement at once: this broker gives up on one after five seconds."""


@asynccontextmanager
async def embedded_broker() -> AsyncIterator[int]:
    """Run a broker on this machine alone.

    Yields:
        The port that it listens on, a free one.

    Raises:
        StarlingError: The demo extra is not installed.
    """
    try:
        from amqtt.broker import Broker  # noqa: PLC0415  (the service does without)
    except ImportError as error:
        raise StarlingError("the demo's broker is not installed: pip install 'starling-edge[demo]'") from error
    logging.getLogger("amqtt").setLevel(logging.ERROR)
    logging.getLogger("transitions").setLevel(logging.ERROR)
    port = free_port()
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    try:
        yield port
    finally:
        await broker.shutdown()
