"""A headless browser: Debian's Chromium, controlled by Selenium."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

PROGRAM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = "Chromium is not installed: apt-get install chromium chromium-driver"
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # root cannot use the sandbox, and only our own page is opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, TELEPHONE = (1000, 830), (390, 844)
TIMEOUT_SECONDS = 20.0


class Browser:
    """An open browser.

    Args:
        driver: Selenium's driver.
    """

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    async def look(self, url: str, *, size: tuple[int, int] = DESKTOP, dark: bool = False) -> None:
        """Open a page on a screen of this size, in the light or the dark colour scheme."""
        await asyncio.to_thread(self._look, url, size, "dark" if dark else "light")

    def _look(self, url: str, size: tuple[int, int], scheme: str) -> None:
        width, height = size
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size is TELEPHONE}
        self._driver.get("about:blank")
        self._errors()  # discards the errors of an earlier page
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        preference = {"name": "prefers-color-scheme", "value": scheme}
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [preference]})
        self._driver.get(url)

    async def run(self, script: str) -> Any:
        """Run a script in the page and return its result."""
        return await asyncio.to_thread(self._driver.execute_script, script)

    async def until(self, condition: str) -> None:
        """Wait until an expression in the page is true."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not await self.run(f"return {condition}"):  # noqa: ASYNC110  (the page gives no event)
                await asyncio.sleep(0.05)

    async def text(self, element: str) -> str:
        """Return an element's text, by its id."""
        return str(await self.run(f"return document.getElementById('{element}').textContent"))

    async def errors(self) -> list[str]:
        """Return the errors that the browser logged on this page, blocked resources included."""
        return await asyncio.to_thread(self._errors)

    def _errors(self) -> list[str]:
        return [entry["message"] for entry in self._driver.get_log("browser")]  # type: ignore[no-untyped-call]

    async def picture(self, file: Path) -> None:
        """Save a screenshot of the page."""
        await asyncio.to_thread(self._driver.save_screenshot, str(file))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Run a browser without any earlier state.

    Args:
        folder: Folder of its profile.
    """
    options = ChromeOptions()
    options.binary_location = PROGRAM or ""
    for option in (*_OPTIONS, f"--user-data-dir={folder / 'chromium'}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
