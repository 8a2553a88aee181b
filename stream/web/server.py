"""The service's HTTP side: /metrics for Prometheus, /healthz and /readyz for whoever supervises it, and pages."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import cast

from aiohttp import web
from aiohttp.http import HttpProcessingError
from prometheus_client.aiohttp import make_aiohttp_handler

from stream import __version__
from stream.credentials import http_tls
from stream.errors import ListenError
from stream.settings import HttpSettings, Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.web.access import password_guard

_Handler = Callable[[web.Request], Awaitable[web.Response]]
_DRAIN_SECONDS = 1.0
"""How long a request in progress may take once the service stops."""
_MOST_CONNECTIONS = 64
_KEEPALIVE_SECONDS = 75.0
_HANDSHAKE_SECONDS = 5.0


@asynccontextmanager
async def serve_http(
    settings: Settings, metrics: Metrics, health: Health, pages: Iterable[web.RouteDef] = ()
) -> AsyncIterator[str]:
    """Serve as long as the context lasts.

    Args:
        settings: Where, with which certificate and password.
        metrics: What /metrics tells.
        health: What /healthz and /readyz tell.
        pages: What else is served.

    Yields:
        The address in use, as a URL without a path.

    Raises:
        ListenError: The address is taken or not this machine's.
        SettingsError: The certificate, the key or the password cannot be read.
    """
    application = web.Application(middlewares=password_guard(settings.http))
    application.add_routes(
        [
            web.get("/metrics", make_aiohttp_handler(metrics.registry)),
            web.get("/healthz", _healthz(settings, health)),
            web.get("/readyz", _readyz(health)),
            *pages,
        ]
    )
    runner = web.AppRunner(
        application,
        access_log=None,
        logger=_logger(),
        shutdown_timeout=_DRAIN_SECONDS,
        keepalive_timeout=_KEEPALIVE_SECONDS,
        auto_decompress=False,
    )
    await runner.setup()
    try:
        async with _listening(runner, settings.http) as address:
            yield address
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _listening(runner: web.AppRunner, settings: HttpSettings) -> AsyncIterator[str]:
    tls = http_tls(settings)
    host = settings.host
    try:
        server = await asyncio.get_running_loop().create_server(
            lambda: _admitted(cast("web.Server", runner.server)),
            host,
            settings.port,
            ssl=tls,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if tls else None,
        )
    except OSError as error:
        raise ListenError(
            f"cannot serve /metrics on {host}:{settings.port}: {error.strerror or error}; set http.host and http.port "
            "to a free address (port 0 takes any)"
        ) from error
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        server.close()


def _admitted(server: web.Server) -> asyncio.Protocol:
    """Take a connection; where there are too many, in place of the oldest, lest idle ones keep Prometheus out."""
    connections = server.connections
    if len(connections) >= _MOST_CONNECTIONS:
        connections[0].force_close()
    return server()


def _logger() -> logging.Logger:
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_no_strangers_mistake)
    return logger


def _is_no_strangers_mistake(record: logging.LogRecord) -> bool:
    """Keep requests that are none out of the log: anybody could fill it, and aiohttp quotes them, passwords too."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


def _healthz(settings: Settings, health: Health) -> _Handler:
    async def healthz(_: web.Request) -> web.Response:
        """Answer at all only while the event loop turns."""
        stuck = health.stuck()
        about = {"node": settings.node, "version": __version__, "uptime_seconds": health.uptime_seconds}
        return web.json_response({"status": stuck or "ok", **about}, status=503 if stuck else 200)

    return healthz


def _readyz(health: Health) -> _Handler:
    async def readyz(_: web.Request) -> web.Response:
        missing = health.missing()
        return web.json_response({"ready": not missing, "missing": missing}, status=503 if missing else 200)

    return readyz
