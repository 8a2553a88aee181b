"""The node's page in a real browser, with a real service behind it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import broker
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for
from tests.page.browser import DESKTOP, DRIVER, MISSING, PROGRAM, TELEPHONE, Browser, browser

__all__ = ["broker"]
pytestmark = [
    pytest.mark.broker,
    pytest.mark.browser,
    pytest.mark.skipif(not (PROGRAM and DRIVER), reason=MISSING),
]
NODE = "<b>pi&amp;\"'kitchen"
READY = "document.getElementById('state').textContent === 'ready'"
CONTRAST = """
const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const light = (colour) => {
  const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number);
  return 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
};
const ground = (element) => {
  const colour = getComputedStyle(element).backgroundColor;
  return colour === "rgba(0, 0, 0, 0)" && element.parentElement ? ground(element.parentElement) : colour;
};
const contrast = (element) => {
  const [dark, bright] = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
};
const shown = [...document.querySelectorAll("h1, h2, p, dt, dd, li, a, span")].filter((one) => one.textContent.trim());
return shown.map((element) => [element.textContent, contrast(element)]).filter(([, ratio]) => ratio < 4.5);
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@asynccontextmanager
async def node(broker: Mosquitto, **sections: Any) -> AsyncIterator[tuple[str, Any]]:
    """Run a node, and yield the URL of its page and its settings."""
    settings = settings_for(broker.port, node=NODE, **sections)
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with serving(settings, listening.set_result):
        yield f"{await listening}/", settings


async def test_the_page_shows_counts_and_no_text(broker: Mosquitto, chromium: Browser) -> None:
    async with node(broker) as (url, settings), probing(settings) as probe:
        await chromium.look(url)
        await chromium.until(READY)
        await probe.tweet("1", "What a wonderful, wonderful kingfisher!")
        await probe.send(b"garbage")
        await probe.until(lambda: probe.labels and probe.rejections)
        await chromium.until("document.body.textContent.includes('2 received, 1 labelled, 1 rejected')")
        assert await chromium.text("polarities") == "negative 0 % (0)neutral 0 % (0)positive 100 % (1)"
        assert "ms" in await chromium.text("p50")
        assert (await chromium.text("model")).startswith(probe.labels[0]["model"]["name"])
        assert "kingfisher" not in await chromium.run("return document.documentElement.outerHTML")
        assert await chromium.errors() == []


async def test_a_name_with_markup_is_shown_as_text(broker: Mosquitto, chromium: Browser) -> None:
    async with node(broker) as (url, _):
        await chromium.look(url)
        await chromium.until(READY)
        assert await chromium.text("node") == NODE
        assert await chromium.run("return document.title") == f"{NODE} · Starling"
        assert await chromium.run("return document.querySelectorAll('b').length") == 0


async def test_the_page_shows_the_reason_and_the_start_of_an_outage(broker: Mosquitto, chromium: Browser) -> None:
    async with node(broker) as (url, _):
        await chromium.look(url)
        await chromium.until(READY)
        broker.stop()
        lost = "document.getElementById('missing').innerText === 'the broker is not connected'"
        await chromium.until(lost)
        assert await chromium.text("state") == "not ready"
        await asyncio.to_thread(broker.start)
        await chromium.until(READY)
    no_answer = "document.getElementById('state').textContent.startsWith('no answer since')"
    await chromium.until(no_answer)


async def test_the_page_sends_the_password_that_it_was_opened_with(
    broker: Mosquitto, chromium: Browser, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    http = {"port": 0, "username": "me", "password_file": password}
    async with node(broker, http=http) as (url, _):
        await chromium.look(url.replace("://", "://me:secret@"))
        await chromium.until(READY)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, TELEPHONE], ids=["desktop", "telephone"])
async def test_all_text_is_readable(broker: Mosquitto, chromium: Browser, size: tuple[int, int], *, dark: bool) -> None:
    async with node(broker) as (url, _):
        await chromium.look(url, size=size, dark=dark)
        await chromium.until(READY)
        assert await chromium.run(CONTRAST) == []
        width = await chromium.run("return document.documentElement.scrollWidth")
        assert width <= size[0]
        assert await chromium.errors() == []
