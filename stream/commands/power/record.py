"""`starling power record`: every reading to a file."""

import asyncio
import contextlib
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from stream.commands.power.source import readings_source
from stream.power.energy import Energy
from stream.power.recording import open_recording, row
from stream.power.source import Source
from stream.power.words import source_words
from stream.telemetry.logs import log_to_stderr


def record_readings(file: Path, seconds: float | None, port: str | None, config: Path | None) -> None:
    """Record until the time is up or Ctrl-C.

    Args:
        file: What to write, CSV or Parquet by its suffix.
        seconds: How long; None: until interrupted.
        port: The meter's port, over the settings'.
        config: The settings file.

    Raises:
        MeterError: There is nothing to read from, or it failed.
        InputError: The file cannot be written.
    """
    log_to_stderr("warning")
    source = readings_source(port, config)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_record(file, seconds, source))


async def _record(file: Path, seconds: float | None, source: Source) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("recording from {task.fields[source]}"), BarColumn(), TextColumn("{task.fields[says]}"))
    energy = Energy()
    with (
        open_recording(file) as write,
        Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("record", total=seconds, source=source.name, says="")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for reading in source.readings():
                    energy.add(reading)
                    write(row(reading, energy, source.name))
                    says = f"{reading.watts.value:.2f} W, {energy.joules.value:.1f} J"
                    progress.update(task, completed=energy.measured_seconds + energy.gap_seconds, says=says)
    console.print(
        f"{file}: {energy.measured_seconds:.1f} s, {energy.joules.value:.1f} J, from {source_words(source.name)}"
    )
