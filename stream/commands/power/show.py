"""`starling power show`: live readings with a plot made of characters."""

import asyncio
import contextlib
from collections import deque
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from stream.commands.power.source import readings_source
from stream.power.energy import Energy
from stream.power.reading import Estimate, Reading
from stream.power.source import Source
from stream.power.words import source_words
from stream.telemetry.logs import log_to_stderr

_BARS = " ▁▂▃▄▅▆▇█"
_PLOT_READINGS = 60
_FRAMES_PER_SECOND = 5


def show_readings(seconds: float | None, port: str | None, config: Path | None) -> None:
    """Show readings for a time or until Ctrl-C; if stdout is no terminal, one line per reading.

    Args:
        seconds: Duration; None: until interrupted.
        port: The meter's port; overrides the settings.
        config: The settings file.

    Raises:
        MeterError: There is no source, or it failed.
    """
    log_to_stderr("warning")
    source = readings_source(port, config)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_show(seconds, source))


async def _show(seconds: float | None, source: Source) -> None:
    console = Console(highlight=False, soft_wrap=True)
    view = PowerView(source.name)
    live = Live(console=console, get_renderable=view.draw, refresh_per_second=_FRAMES_PER_SECOND)
    with live if console.is_terminal else contextlib.nullcontext(), contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            async for reading in source.readings():
                view.add(reading)
                if not console.is_terminal:
                    console.print(view.line())
                    console.file.flush()


class PowerView:
    """View of the latest readings.

    Args:
        source: Name of the source, shown with the readings.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._energy = Energy()
        self._watts: deque[float] = deque(maxlen=_PLOT_READINGS)
        self._reading: Reading | None = None

    def add(self, reading: Reading) -> None:
        """Add a reading."""
        self._reading = reading
        self._energy.add(reading)
        self._watts.append(reading.watts.value)

    def line(self) -> str:
        """Format the latest reading as one line."""
        assert self._reading is not None  # noqa: S101  (called after one came)
        parts = [self._reading.amperes, self._reading.volts, self._reading.watts, self._energy.joules]
        named = zip(("A", "V", "W", "J"), parts, strict=True)
        return f"{self._source}  " + "  ".join(quantity(part, unit) for unit, part in named if part)

    def draw(self) -> Panel:
        """Draw the latest reading as a table above a plot of the latest readings."""
        if self._reading is None:
            return Panel("waiting for the first reading …", title=source_words(self._source))
        table = Table.grid(padding=(0, 3))
        table.add_row(quantity(self._reading.watts, "W"), quantity(self._reading.amperes, "A"),
                      quantity(self._reading.volts, "V"), quantity(self._energy.joules, "J"))  # fmt: skip
        gaps = f"   {self._energy.gap_seconds:.1f} s not measured" if self._energy.gap_seconds else ""
        footer = Text(f"{self._energy.measured_seconds:.0f} s measured{gaps}", style="dim")
        return Panel(Group(table, Text(), *plot(list(self._watts)), footer), title=source_words(self._source))


def quantity(estimate: Estimate | None, unit: str) -> str:
    """Format a value with its standard error if it is known."""
    if estimate is None:
        return ""
    error = estimate.standard_error
    stated = f" ± {error:.2g}" if error == error else ""  # noqa: PLR0124  (NaN)
    return f"{estimate.value:.3f}{stated} {unit}"


def plot(values: list[float], rows: int = 4) -> list[Text]:
    """Draw bars from the smallest to the largest value in eighths of a character, with both values at the side."""
    low, high = min(values), max(values)
    eighths = [round((value - low) / ((high - low) or 1.0) * (8 * rows - 1)) + 1 for value in values]
    lines = []
    for row in reversed(range(rows)):
        bars = "".join(_BARS[max(0, min(8, height - 8 * row))] for height in eighths)
        scale = {rows - 1: f" {high:.2f} W", 0: f" {low:.2f} W"}.get(row, "")
        lines.append(Text(bars.ljust(_PLOT_READINGS), style="green").append(scale, style="dim"))
    return lines
