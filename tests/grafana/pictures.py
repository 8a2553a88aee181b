"""`make pictures`: makes the pictures of docs/dashboards.md.

Chromium takes screenshots of a node's page, after a small fleet has run for eleven minutes. Grafana is not a tool of
the tests, so matplotlib draws the graphs of the fleet dashboard, except those of a day, from the same queries to a real
Prometheus, which has invented metrics of fifty nodes.
"""

import asyncio
import itertools
import math
import re
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from grafana.source.colours import POLARITY
from stream.commands.demo.demo import sample_tweets
from stream.power.simulator import build_simulator
from stream.settings import Settings
from tests.grafana.invented_fleet import invented_history
from tests.grafana.prometheus import Prometheus, prometheus
from tests.grafana.queries import dashboards, with_values
from tests.grafana.test_live import metered, running
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, settings_for
from tests.page.browser import TELEPHONE, browser

DOCS = Path(__file__).parents[2] / "docs"
SECONDS = 660
IDLE_SECONDS = 10
FLEET_SECONDS, FLEET_STEP_SECONDS = 4500, 30
"""Time range of the graphs of the fleet; in the time before, the invented nodes begin to count."""
COLUMNS = 3
MOST_NAMES = 12
"""Lines whose names fit below a graph."""
Line = tuple[str, NDArray[np.float64], NDArray[np.float64]]
DAY_SECONDS = 86_400
UNITS = {"percentunit": (100, "%"), "bytes": (2**-20, "MiB"), "s": (1000, "ms"), "hertz": (1e-9, "GHz")}


async def send_in_waves(settings: Settings) -> None:
    """Publish the samples at a varying rate."""
    async with probing(settings) as sender:
        for number, tweet in enumerate(itertools.cycle(sample_tweets())):
            await sender.send(tweet)
            await asyncio.sleep(0.06 * (1.2 + math.sin(number / 700)))


async def main() -> None:
    """Run a small fleet and make the pictures of a node's page."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        async with AsyncExitStack() as stack:
            broker = stack.enter_context(Mosquitto(folder, "allow_anonymous true\nsys_interval 5", log_type="error"))
            power = await stack.enter_async_context(metered(build_simulator()))
            shared = {"group": "home", "sys_metrics": True}
            nodes = [
                settings_for(broker.port, node="pi-kitchen", broker=shared, power=power),
                settings_for(broker.port, node="pi-attic", broker=shared),
                settings_for(broker.port, node="pi-cellar", broker=shared),
            ]
            addresses = await stack.enter_async_context(running(nodes))
            await asyncio.sleep(IDLE_SECONDS)
            sending = asyncio.create_task(send_in_waves(nodes[0]))
            await asyncio.sleep(SECONDS)
            await photograph(f"http://{addresses['pi-kitchen']}/", folder)
            sending.cancel()


async def draw_fleet() -> None:
    """Draw the fleet dashboard with invented metrics."""
    with tempfile.TemporaryDirectory() as temporary:
        async with prometheus(Path(temporary), {}, invented_history(), rules=()) as server:
            await draw(server, dashboards()["fleet.json"], DOCS / "dashboard-fleet.png")


async def photograph(url: str, folder: Path) -> None:
    """Take screenshots of the page in light and dark colours and in the size of a phone."""
    with browser(folder) as chromium:
        for name, options in {"light": {}, "dark": {"dark": True}, "telephone": {"size": TELEPHONE}}.items():
            await chromium.look(url, **options)  # type: ignore[arg-type]
            await chromium.until("document.getElementById('state').textContent === 'ready'")
            await chromium.picture(DOCS / f"page-{name}.png")


async def draw(server: Prometheus, dashboard: dict[str, Any], file: Path) -> None:
    """Draw the graphs of a dashboard that have data in a grid."""
    panels = [panel for panel in dashboard["panels"] if panel["type"] == "timeseries" and "[1d]" not in str(panel)]
    lines = [[line for target in panel["targets"] for line in await _lines(server, target)] for panel in panels]
    drawn = [(panel, found) for panel, found in zip(panels, lines, strict=True) if found]
    rows = math.ceil(len(drawn) / COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(16, 2.5 * rows), squeeze=False, layout="constrained")
    for axes, pair in itertools.zip_longest(grid.flat, drawn):
        if pair is None:
            axes.remove()
        else:
            panel, found = pair
            draw_panel(panel, found, axes)
    figure.savefig(file, dpi=80)
    plt.close(figure)


def draw_panel(panel: dict[str, Any], lines: list[Line], axes: Axes) -> None:
    """Draw one graph."""
    defaults = panel["fieldConfig"]["defaults"]
    factor, unit = UNITS.get(defaults["unit"], (1, defaults["unit"].removeprefix("suffix: ")))
    if unit == "ms" and max(values.max() for _, _, values in lines) > DAY_SECONDS:
        factor, unit = 1 / DAY_SECONDS, "days"
    colours = [next((POLARITY[word] for word in name.split() if word in POLARITY), None) for name, _, _ in lines]
    if defaults["custom"].get("stacking"):
        moments = np.unique(np.concatenate([at for _, at, _ in lines]))
        heights = [np.interp(moments, at, values) * factor for _, at, values in lines]
        given = [colour for colour in colours if colour]
        axes.stackplot(moments, heights, labels=[name for name, _, _ in lines], colors=given or None, alpha=0.8)
    else:
        for (name, at, values), colour in zip(lines, colours, strict=True):
            axes.plot(at, values * factor, label=name, color=colour, linewidth=1.2)
    axes.set_title(panel["title"], loc="left", fontsize=10, fontweight="bold")
    axes.set_ylabel("" if unit == "short" else unit, fontsize=8)
    if min(values.min() for _, _, values in lines) >= 0:
        axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(lines) <= MOST_NAMES:
        axes.legend(fontsize=7, frameon=False, ncols=5, loc="upper left", bbox_to_anchor=(0, -0.1))


async def _lines(server: Prometheus, target: dict[str, Any]) -> list[Line]:
    """Return name, minutes before the end, and values of each series of a query."""
    expression = with_values(target["expr"], "4m", f"{FLEET_SECONDS}s").replace(":5s]", f":{FLEET_STEP_SECONDS}s]")
    answer = await server.range(expression, FLEET_SECONDS, FLEET_STEP_SECONDS)
    return [_line(target["legendFormat"], series) for series in answer]


def _line(legend: str, series: dict[str, Any]) -> Line:
    name = re.sub(r"{{(\w+)}}", lambda label: str(series["metric"].get(label[1], "")), legend)
    points = np.array(series["values"], dtype=float)
    return name, (points[:, 0] - time.time()) / 60, np.nan_to_num(points[:, 1])


if __name__ == "__main__":
    asyncio.run(draw_fleet())
    if "--fleet-only" not in sys.argv:
        asyncio.run(main())
