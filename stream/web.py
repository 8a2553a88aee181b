"""The service's HTTP side: /metrics for Prometheus, /healthz and /readyz for whoever supervises it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from stream import __version__
from stream.errors import ListenError
from stream.health import Health
from stream.metrics import Metrics
from stream.settings import Settings

_Handler = Callable[[web.Request], Awaitable[web.Response]]
_DRAIN_SECONDS = 1.0
"""How long a request in progress may take once the service stops."""


@asynccontextmanager
async def serve_http(settings: Settings, metrics: Metrics, health: Health) -> AsyncIterator[str]:
    """Serves as long as the context lasts.

    Yields:
        The address in use, as a URL without a path.

    Raises:
        ListenError: The address is taken or not this machine's.
    """
    application = web.Application()
    application.add_routes(
        [
            web.get("/metrics", make_aiohttp_handler(metrics.registry)),
            web.get("/healthz", _healthz(settings, health)),
            web.get("/readyz", _readyz(health)),
        ]
    )
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_DRAIN_SECONDS)
    await runner.setup()
    try:
        yield await _listen(runner, settings.http.host, settings.http.port)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> str:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise ListenError(
            f"cannot serve /metrics on {host}:{port}: {error.strerror or error}; set http.host and http.port to a free "
            "address (port 0 takes any)"
        ) from error
    bound_port = runner.addresses[0][1]
    return f"http://{f'[{host}]' if ':' in host else host}:{bound_port}"


def _healthz(settings: Settings, health: Health) -> _Handler:
    async def healthz(_: web.Request) -> web.Response:
        """Answers at all only while the event loop turns."""
        stuck = health.stuck()
        about = {"node": settings.node, "version": __version__, "uptime_seconds": health.uptime_seconds}
        return web.json_response({"status": stuck or "ok", **about}, status=503 if stuck else 200)

    return healthz


def _readyz(health: Health) -> _Handler:
    async def readyz(_: web.Request) -> web.Response:
        missing = health.missing()
        return web.json_response({"ready": not missing, "missing": missing}, status=503 if missing else 200)

    return readyz
