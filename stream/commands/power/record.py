"""`starling power record`: write every reading to a file."""

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
    """Record for a time or until Ctrl-C.

    Args:
        file: Output file, CSV or Parquet by its suffix.
        seconds: Duration; None: until interrupted.
        port: The meter's port; overrides the settings.
        config: The settings file.

    Raises:
        MeterError: There is no source, or it failed.
        InputError: The file cannot be written.
    """
    log_to_stderr("warning")
    source = readings_source(port, config)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_record(file, seconds, source))


async def _record(file: Path, seconds: float | None, source: Source) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("recording from {task.fields[source]}"), BarColumn(), TextColumn("{task.fields[latest]}"))
    energy = Energy()
    with (
        open_recording(file) as write,
        Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("record", total=seconds, source=source.name, latest="")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for reading in source.readings():
                    energy.add(reading)
                    write(row(reading, energy, source.name))
                    latest = f"{reading.watts.value:.2f} W, {energy.joules.value:.1f} J"
                    progress.update(task, completed=energy.measured_seconds + energy.gap_seconds, latest=latest)
    console.print(
        f"{file}: {energy.measured_seconds:.1f} s, {energy.joules.value:.1f} J, from {source_words(source.name)}"
    )
