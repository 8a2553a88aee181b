"""The password of the HTTP server. Every page but the two health pages requires it, if the settings name one.

A supervisor needs the health pages and has no password; they show the node's name, its version and its state only.
"""

import secrets
from base64 import b64encode

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from stream.credentials import read_password
from stream.settings import HttpSettings

HEALTH_PATHS = ("/healthz", "/readyz")
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Starling", charset="UTF-8"'}


def password_guard(settings: HttpSettings) -> list[Middleware]:
    """Return the middleware that requires the password (RFC 7617); none where the settings name no password.

    Raises:
        SettingsError: The password's file cannot be read.
    """
    if settings.username is None or settings.password_file is None:
        return []
    password = read_password("http.password_file", settings.password_file)
    expected = b64encode(f"{settings.username}:{password.get_secret_value()}".encode())

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in HEALTH_PATHS or secrets.compare_digest(_credentials(request), expected):
            return await handler(request)
        raise web.HTTPUnauthorized(headers=_CHALLENGE)

    return [guard]


def _credentials(request: web.Request) -> bytes:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    # aiohttp decodes header bytes that are no UTF-8 to surrogates.
    return credentials.strip().encode("utf-8", "surrogateescape") if scheme.lower() == "basic" else b""
