"""`make pictures`: runs a small fleet for eleven minutes and makes the pictures of docs/dashboards.md.

Chromium takes screenshots of the node's page. Grafana is not a tool of the tests, so matplotlib draws the graphs of the
fleet dashboard from the same queries to a real Prometheus.
"""

import asyncio
import itertools
import math
import re
import tempfile
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
from tests.grafana.prometheus import Prometheus, prometheus
from tests.grafana.queries import dashboards, with_values
from tests.grafana.test_live import metered, running
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, settings_for
from tests.page.browser import TELEPHONE, browser

DOCS = Path(__file__).parents[2] / "docs"
SECONDS = 660
IDLE_SECONDS = 10
STEP_SECONDS = 5
COLUMNS = 2
Line = tuple[str, NDArray[np.float64], NDArray[np.float64]]
UNITS = {"percentunit": (100, "%"), "bytes": (2**-20, "MiB"), "s": (1000, "ms"), "hertz": (1e-9, "GHz")}


async def send_in_waves(settings: Settings) -> None:
    """Publish the samples at a varying rate."""
    async with probing(settings) as sender:
        for number, tweet in enumerate(itertools.cycle(sample_tweets())):
            await sender.send(tweet)
            await asyncio.sleep(0.06 * (1.2 + math.sin(number / 700)))


async def main() -> None:
    """Run the fleet and make the pictures."""
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
            server = await stack.enter_async_context(prometheus(folder, addresses))
            await asyncio.sleep(IDLE_SECONDS)
            sending = asyncio.create_task(send_in_waves(nodes[0]))
            await asyncio.sleep(SECONDS)
            await photograph(f"http://{addresses['pi-kitchen']}/", folder)
            await draw(server, dashboards()["fleet.json"], DOCS / "dashboard-fleet.png")
            sending.cancel()


async def photograph(url: str, folder: Path) -> None:
    """Take screenshots of the page in light and dark colours and in the size of a phone."""
    with browser(folder) as chromium:
        for name, options in {"light": {}, "dark": {"dark": True}, "telephone": {"size": TELEPHONE}}.items():
            await chromium.look(url, **options)  # type: ignore[arg-type]
            await chromium.until("document.getElementById('state').textContent === 'ready'")
            await chromium.picture(DOCS / f"page-{name}.png")


async def draw(server: Prometheus, dashboard: dict[str, Any], file: Path) -> None:
    """Draw the graphs of a dashboard in a grid."""
    panels = [panel for panel in dashboard["panels"] if panel["type"] == "timeseries"]
    rows = math.ceil(len(panels) / COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(12, 2.4 * rows), squeeze=False, layout="constrained")
    for axes, panel in itertools.zip_longest(grid.flat, panels):
        if panel is None:
            axes.remove()
        else:
            await draw_panel(server, panel, axes)
    figure.savefig(file, dpi=80)
    plt.close(figure)


async def draw_panel(server: Prometheus, panel: dict[str, Any], axes: Axes) -> None:
    """Draw one graph."""
    defaults = panel["fieldConfig"]["defaults"]
    factor, unit = UNITS.get(defaults["unit"], (1, defaults["unit"].removeprefix("suffix: ")))
    lines = [line for target in panel["targets"] for line in await _lines(server, target)]
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
    axes.set_ylim(bottom=0)
    axes.tick_params(labelsize=8)
    axes.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7, frameon=False, ncols=4, loc="upper left", bbox_to_anchor=(0, -0.1))


async def _lines(server: Prometheus, target: dict[str, Any]) -> list[Line]:
    """Return name, minutes before the end, and values of each series of a query."""
    answer = await server.range(with_values(target["expr"], rate_interval="30s"), SECONDS, STEP_SECONDS)
    return [_line(target["legendFormat"], series) for series in answer]


def _line(legend: str, series: dict[str, Any]) -> Line:
    name = re.sub(r"{{(\w+)}}", lambda label: str(series["metric"].get(label[1], "")), legend)
    points = np.array(series["values"], dtype=float)
    return name, (points[:, 0] - points[-1, 0]) / 60, np.nan_to_num(points[:, 1])


if __name__ == "__main__":
    asyncio.run(main())
