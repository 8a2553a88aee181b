"""The page and its numbers over HTTP: `/` and `/now`.

The page is one file without anything from elsewhere, and the browser is told to run and load nothing but what is in it.
"""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from aiohttp import web

from stream.web.page.now import Now

_PARTS = re.compile(r"/\* (page\.(?:css|js)) \*/")


def page_routes(now: Now) -> list[web.RouteDef]:
    """The page's two addresses."""

    async def page(_: web.Request) -> web.Response:
        html, headers = _page()
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def numbers(_: web.Request) -> web.Response:
        return web.json_response(now.as_json(), headers={"Cache-Control": "no-store"})

    return [web.get("/", page), web.get("/now", numbers)]


@cache
def _page() -> tuple[str, dict[str, str]]:
    """The page, its style and script put in, and the headers that let the browser run just those."""
    parts = {
        name: (files("stream.web.page") / name).read_text("utf-8") for name in ("page.html", "page.css", "page.js")
    }
    html = _PARTS.sub(lambda found: parts[found[1]], parts["page.html"])
    policy = (
        f"default-src 'none'; style-src '{_hash(parts['page.css'])}'; script-src '{_hash(parts['page.js'])}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html, {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
