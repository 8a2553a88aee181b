"""The routes of the node's page: `/` for the page and `/now` for its numbers.

The page is one file without external parts. A content security policy lets the browser run and load nothing else.
"""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from aiohttp import web

from stream.web.page.status import NodeStatus

_PARTS = re.compile(r"/\* (page\.(?:css|js)) \*/")


def page_routes(status: NodeStatus) -> list[web.RouteDef]:
    """Return the page's two routes; its files are read here, so that no request waits for a disk."""
    html, headers = _page()

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def numbers(_: web.Request) -> web.Response:
        return web.json_response(status.as_json(), headers={"Cache-Control": "no-store"})

    return [web.get("/", page), web.get("/now", numbers)]


def _page() -> tuple[str, dict[str, str]]:
    """Return the page with its style and script, and the headers that let the browser run only those."""
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
