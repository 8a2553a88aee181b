"""`starling experiment`: runs a plan on this device, shows how far it is, and sums it up."""

import asyncio
import socket
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from stream.experiment.folder import ResultsFolder
from stream.experiment.plan import load_plan
from stream.experiment.processes import LABELLING
from stream.experiment.results import CELLS_FOLDER, read_cell
from stream.experiment.run import Experiment
from stream.experiment.summary import summarise
from stream.telemetry.logs import log_to_stderr

_LOOKS_PER_SECOND = 1
"""Drawing a progress bar is work too, on the machine that is being measured."""


def run_experiment(plan: Path, out: Path, node: str | None) -> None:
    """Run what is left of a plan.

    Args:
        plan: The plan, TOML.
        out: The folder of results.
        node: This device's name; None: the host's.

    Raises:
        StarlingError: The plan, a model, the data or the folder cannot be used.
    """
    log_to_stderr("warning")
    file = load_plan(plan)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Bars(*columns, console=console, disable=not console.is_terminal, refresh_per_second=_LOOKS_PER_SECOND) as bars:
        folder = ResultsFolder(out, node or socket.gethostname())
        left = folder.left_of(file)
        asyncio.run(Experiment(file, folder, _Bars(bars)).run(left))
    _show(out, skipped=len(list(file.plan.cells())) - len(left))


class _Bars:
    """Two bars: all runs, whose pace tells when the experiment ends, and what is being done now."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._all = bars.add_task("runs", total=None)
        self._now = bars.add_task("", total=None)
        self._finished = 0
        self._total = 0.0

    def cell(self, name: str, number: int, cells: int) -> None:
        """A run begins."""
        self._finished, self._total = number - 1, 0.0
        self._bars.update(self._all, total=cells, completed=number - 1, description=f"{number}/{cells} {name}")

    def phase(self, name: str, total: float) -> None:
        """A part of it begins."""
        self._total = total if name == LABELLING else 0.0
        self._bars.reset(self._now, total=total or None, description=name)

    def done(self, completed: float) -> None:
        """So much of the part is done; labelling is what takes a run's time."""
        self._bars.update(self._now, completed=completed)
        if self._total:
            self._bars.update(self._all, completed=self._finished + completed / self._total)


def _show(out: Path, skipped: int) -> None:
    table = Table("run", "tweets/s", "p50 ms", "accuracy", "macro-F1", "J/tweet", title=str(out))
    for path in sorted((out / CELLS_FOLDER).glob("*.json")):
        summary = summarise(read_cell(path))
        joules = f"{summary.joules.value / summary.tweets:.3g}" if summary.joules else "not measured"
        table.add_row(
            path.stem,
            f"{summary.tweets_per_second:.1f}",
            f"{1000 * summary.latency_seconds[0]:.1f}",
            f"{summary.accuracy:.1%}",
            f"{summary.macro_f1:.1%}",
            joules,
        )
    console = Console()
    console.print(table)
    if skipped:
        console.print(f"{skipped} were there already.")
