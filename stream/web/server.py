"""The HTTP server: /metrics for Prometheus, /healthz and /readyz for a supervisor, and the node's page."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Protocol, cast

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from stream import __version__
from stream.credentials import http_tls
from stream.errors import ListenError
from stream.settings import HttpSettings, Settings
from stream.telemetry.health import Health
from stream.web.access import HEALTH_PATHS, password_guard
from stream.web.connections import IDLE_SECONDS, Connections

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_SHUTDOWN_SECONDS = 1.0
"""Longest time that a request in progress gets once the service stops."""
_MOST_CONNECTIONS = 64
_MOST_REQUESTS = 8
"""Requests answered at once; requests for the health pages do not count and are always answered."""


class ExportedMetrics(Protocol):
    """The metrics of a program."""

    registry: CollectorRegistry

    async def refresh(self) -> None:
        """Read values that are not kept up to date, before each scrape."""


@asynccontextmanager
async def serve_http(
    settings: Settings,
    metrics: ExportedMetrics,
    health: Health,
    pages: Iterable[web.RouteDef] = (),
    *,
    port_setting: str = "http.port",
) -> AsyncIterator[str]:
    """Serve while the context lasts.

    Args:
        settings: Address, certificate and password.
        metrics: Content of /metrics.
        health: Content of /healthz and /readyz.
        pages: Further pages.
        port_setting: Name of the setting of the port, for errors.

    Yields:
        The address in use, as a URL without a path.

    Raises:
        ListenError: The address is in use or is not an address of this machine.
        SettingsError: The certificate, the key or the password cannot be read.
    """
    connections = Connections(_MOST_CONNECTIONS)
    application = web.Application(
        middlewares=[_busy_marker(connections), *password_guard(settings.http), _request_limit()]
    )
    application.add_routes(
        [
            web.get("/metrics", _metrics(metrics)),
            web.get("/healthz", _healthz(settings, health)),
            web.get("/readyz", _readyz(health)),
            *pages,
        ]
    )
    runner = web.AppRunner(
        application,
        access_log=None,
        logger=_logger(),
        shutdown_timeout=_SHUTDOWN_SECONDS,
        keepalive_timeout=IDLE_SECONDS,
        auto_decompress=False,
    )
    tls, listeners = http_tls(settings.http), await _listeners(settings.http, port_setting)
    async with AsyncExitStack() as stack:
        for listener in listeners:
            stack.callback(listener.close)
        await runner.setup()
        stack.push_async_callback(connections.close)
        stack.push_async_callback(runner.cleanup)
        make_protocol = cast("Callable[[], asyncio.Protocol]", runner.server)
        try:
            await stack.enter_async_context(connections.accepting(listeners, tls, make_protocol))
        except OSError as error:
            raise _listen_error(settings.http, port_setting, error) from error
        yield _url(settings.http, listeners[0])


async def _listeners(settings: HttpSettings, port_setting: str) -> list[socket.socket]:
    """Bind a socket to each address of the settings' host."""
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(asyncio.Protocol, settings.host, settings.port, start_serving=False)
    except OSError as error:
        raise _listen_error(settings, port_setting, error) from error
    try:
        return [bound.dup() for bound in server.sockets]
    finally:
        server.close()


def _listen_error(settings: HttpSettings, port_setting: str, error: OSError) -> ListenError:
    return ListenError(
        f"cannot serve /metrics on {settings.host}:{settings.port}: {error.strerror or error}; set http.host and "
        f"{port_setting} to a free address (port 0 takes any)"
    )


def _url(settings: HttpSettings, listener: socket.socket) -> str:
    scheme = "http" if settings.certificate_file is None else "https"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


def _busy_marker(connections: Connections) -> Middleware:
    """Keep connections open whose request is being answered."""

    @web.middleware
    async def marker(request: web.Request, handler: Handler) -> web.StreamResponse:
        with connections.request_on(request.transport):
            return await handler(request)

    return marker


def _request_limit() -> Middleware:
    """Refuse requests beyond the limit, so that a burst of them does not keep the event loop busy."""
    in_progress = 0

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal in_progress
        if request.path in HEALTH_PATHS:
            return await handler(request)
        if in_progress >= _MOST_REQUESTS:
            raise web.HTTPServiceUnavailable(text="too many requests at once", headers={"Retry-After": "1"})
        in_progress += 1
        try:
            return await handler(request)
        finally:
            in_progress -= 1

    return limit


def _logger() -> logging.Logger:
    logger = logging.getLogger(__name__)
    logger.addFilter(_is_no_malformed_request)
    return logger


def _is_no_malformed_request(record: logging.LogRecord) -> bool:
    """Keep malformed requests out of the log: anyone could fill it, and aiohttp quotes them, passwords included."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | web.RequestPayloadError)


def _metrics(metrics: ExportedMetrics) -> _Handler:
    expose = make_aiohttp_handler(metrics.registry)

    async def handler(request: web.Request) -> web.StreamResponse:
        await metrics.refresh()
        try:
            return await expose(request)
        except (TypeError, ValueError) as error:  # prometheus_client's for a version that is no number
            raise web.HTTPNotAcceptable(text="the version in the Accept header cannot be read") from error

    return handler


def _healthz(settings: Settings, health: Health) -> _Handler:
    async def healthz(_: web.Request) -> web.Response:
        """Answer from the event loop, so that a blocked loop gives no answer."""
        stuck = health.stuck()
        about = {"node": settings.node, "version": __version__, "uptime_seconds": health.uptime_seconds}
        status = HTTPStatus.SERVICE_UNAVAILABLE if stuck else HTTPStatus.OK
        return web.json_response({"status": stuck or "ok", **about}, status=status)

    return healthz


def _readyz(health: Health) -> _Handler:
    async def readyz(_: web.Request) -> web.Response:
        missing = health.missing()
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        return web.json_response({"ready": not missing, "missing": missing}, status=status)

    return readyz
