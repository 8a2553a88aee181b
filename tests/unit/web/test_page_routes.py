"""The page as it is served: one file, and a content security policy that allows nothing else."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from http import HTTPStatus

import aiohttp
import pytest

from grafana.source.colours import POLARITY
from stream.settings import Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.web.page.routes import page_routes
from stream.web.page.status import NodeStatus
from stream.web.server import serve_http


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    settings, metrics, health = Settings(node="<b>pi", http={"port": 0}), Metrics(), Health(60)
    pages = page_routes(NodeStatus(settings, metrics, health))
    async with (
        serve_http(settings, metrics, health, pages) as address,
        aiohttp.ClientSession(address) as client,
    ):
        yield client


async def page(client: aiohttp.ClientSession) -> str:
    async with client.get("/") as answer:
        assert answer.status == HTTPStatus.OK
        assert answer.content_type == "text/html"
        return await answer.text()


def source_hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


async def test_the_browser_is_told_to_run_and_load_only_what_is_in_the_page(client: aiohttp.ClientSession) -> None:
    html = await page(client)
    async with client.head("/") as answer:
        policy = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert policy["default-src"] == "'none'"
    assert policy["style-src"] == source_hash(style)
    assert policy["script-src"] == source_hash(script)
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in str(policy)


async def test_the_page_has_no_external_parts(client: aiohttp.ClientSession) -> None:
    html = await page(client)
    assert re.findall(r"(?:src|href)=[\"'](?!data:|/(?:metrics|healthz|readyz)[\"'])", html) == []
    assert re.findall(r"@import|url\(|\bstyle=|\bon\w+=", html) == []
    assert "/* page." not in html


async def test_nothing_of_the_node_is_in_the_page_so_nothing_needs_to_be_escaped(client: aiohttp.ClientSession) -> None:
    assert "<b>pi" not in await page(client)
    async with client.get("/now") as answer:
        assert (await answer.json())["node"] == "<b>pi"


async def test_the_numbers_are_not_cached(client: aiohttp.ClientSession) -> None:
    async with client.get("/now") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.content_type == "application/json"


@pytest.mark.parametrize("path", ["/", "/now"])
async def test_the_page_is_read_only(client: aiohttp.ClientSession, path: str) -> None:
    async with client.post(path) as answer:
        assert answer.status == HTTPStatus.METHOD_NOT_ALLOWED


async def test_polarities_have_the_colours_that_they_have_on_the_dashboards(client: aiohttp.ClientSession) -> None:
    html = await page(client)
    assert {name: re.findall(rf"--{name}: (#\w+);", html) for name in POLARITY} == {
        name: [colour] for name, colour in POLARITY.items()
    }
