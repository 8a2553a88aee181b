"""A broker inside this process, so that the demo needs nothing else: MQTT 3.1.1 only, and slower than a real one."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import typer
from amqtt.broker import Broker

from stream.free_port import free_port

HOST = "127.0.0.1"
_MOST_IN_FLIGHT = 32
_LEAST_IN_FLIGHT = 2
_IN_FLIGHT_SECONDS = 2.0
"""Time until a tweet is labelled and acknowledged; the broker drops a message that is not within five seconds."""


def most_in_flight(tweets_per_second: float) -> int:
    """Return the number of tweets that may be without a result at once, on a machine that labels this many."""
    return max(_LEAST_IN_FLIGHT, min(_MOST_IN_FLIGHT, int(_IN_FLIGHT_SECONDS * tweets_per_second)))


@asynccontextmanager
async def embedded_broker() -> AsyncIterator[int]:
    """Run a broker on this machine alone.

    Yields:
        The port that it listens on.
    """
    port = free_port()
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    with counted_errors():
        await broker.start()
        try:
            yield port
        finally:
            await broker.shutdown()


class _BrokersErrors(logging.Handler):
    """Counts log messages of the broker, and keeps those of its tasks out of asyncio's log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002  (logging's signature)
        """Count a message of the broker's own loggers."""
        self.count += 1

    def filter(self, record: logging.LogRecord) -> bool:
        """Let all messages pass but those of asyncio about exceptions in the broker, which are counted."""
        if record.name != "asyncio" or not _is_brokers(record):
            return True
        self.count += 1
        return False


def _is_brokers(record: logging.LogRecord) -> bool:
    trace = record.exc_info[2] if record.exc_info else None
    while trace:
        if trace.tb_frame.f_globals.get("__name__", "").startswith("amqtt."):
            return True
        trace = trace.tb_next
    return False


@contextmanager
def counted_errors() -> Iterator[None]:
    """Count the broker's errors, and print their number in place of their tracebacks."""
    errors = _BrokersErrors()
    own = [logging.getLogger(name) for name in ("amqtt", "transitions")]
    for logger in own:
        logger.propagate = False
        logger.addHandler(errors)
    logging.getLogger("asyncio").addFilter(errors)
    try:
        yield
    finally:
        for logger in own:
            logger.propagate = True
            logger.removeHandler(errors)
        logging.getLogger("asyncio").removeFilter(errors)
        if errors.count:
            typer.echo(
                f"the demo's broker reported {errors.count} error(s): this machine was too slow for it at times, for "
                "which a lower --rate may help; a real broker, for instance Mosquitto, waits",
                err=True,
            )
