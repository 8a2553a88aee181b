"""Who may read what is served: everything asks for the user and the password of the settings, but the two health pages.

A supervisor needs those, and has no secrets; they tell no more than the node's name, its version and whether it works.
"""

import secrets
from base64 import b64encode

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from stream.credentials import read_password
from stream.settings import HttpSettings

OPEN_PATHS = ("/healthz", "/readyz")
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Starling", charset="UTF-8"'}


def password_guard(settings: HttpSettings) -> list[Middleware]:
    """Make what asks for the password (RFC 7617), if the settings name one.

    Raises:
        SettingsError: The password's file cannot be read.
    """
    if settings.username is None or settings.password_file is None:
        return []
    password = read_password("http.password_file", settings.password_file)
    expected = b64encode(f"{settings.username}:{password.get_secret_value()}".encode())

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN_PATHS or secrets.compare_digest(_credentials(request), expected):
            return await handler(request)
        raise web.HTTPUnauthorized(headers=_CHALLENGE)

    return [guard]


def _credentials(request: web.Request) -> bytes:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    # A header may hold any bytes; those that are no UTF-8 come as surrogates.
    return credentials.strip().encode("utf-8", "surrogateescape") if scheme.lower() == "basic" else b""
