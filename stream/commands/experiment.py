"""`starling experiment`: runs a plan on this device, shows the progress, and prints a summary."""

import asyncio
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from stream.errors import InputError
from stream.experiment.device import describe_device
from stream.experiment.folder import ResultsFolder
from stream.experiment.plan import load_plan
from stream.experiment.processes import LABELLING
from stream.experiment.recorded_power import Clock, read_power, with_recorded_power
from stream.experiment.run import Experiment
from stream.experiment.summary import Summary, summarise
from stream.power.reading import Estimate
from stream.telemetry.logs import log_to_stderr

_REFRESHES_PER_SECOND = 1
"""Low, because drawing a progress bar loads the machine that is being measured."""


@dataclass(frozen=True)
class Recording:
    """A recording of `starling power record` from another computer."""

    file: Path
    clock: Clock


def power_recording(file: Path | None, clock_offset: tuple[float, float] | None) -> Recording | None:
    """Return the recording that the options name; None: they name none.

    Args:
        file: Value of --power-record.
        clock_offset: Value of --clock-offset: seconds and their standard error.

    Raises:
        InputError: A clock without a recording, a recording without a clock, or a negative error.
    """
    if file is None and clock_offset is None:
        return None
    if file is None:
        raise InputError("--clock-offset is of a recording: name it with --power-record FILE")
    if clock_offset is None or clock_offset[1] < 0:
        raise InputError(
            f"{file} has another computer's clock: state with --clock-offset SECONDS ERROR how far it is ahead of this "
            f"device's clock, and the standard error of that (not below 0); `chronyc tracking` on both shows it"
        )
    return Recording(file, Clock(*clock_offset))


def run_experiment(
    plan: Path, out: Path, node: str | None, *, estimate: bool = False, recording: Recording | None = None
) -> None:
    """Run the unfinished runs of a plan.

    Args:
        plan: The plan, TOML.
        out: Folder of the results.
        node: This device's name; None: the host name.
        estimate: Estimate the duration and run nothing.
        recording: Power to add to the finished runs.

    Raises:
        StarlingError: The plan, a model, the data, the recording or the folder cannot be used.
    """
    log_to_stderr("warning")
    file = load_plan(plan)
    readings = read_power(recording.file) if recording else []
    folder = ResultsFolder(out, describe_device(node or socket.gethostname()))
    unfinished = folder.unfinished(file)
    with _progress_bars() as bars:
        experiment = Experiment(file, folder, _Progress(bars))
        if estimate:
            duration = asyncio.run(experiment.duration(unfinished))
        else:
            asyncio.run(experiment.run(unfinished))
    if estimate:
        Console().print(f"{duration}.", soft_wrap=True)
        return
    if recording:
        folder.replace([with_recorded_power(result, readings, recording.clock) for result in folder.results()])
    _show(folder, finished_before=len(list(file.plan.cells())) - len(unfinished))


@contextmanager
def _progress_bars() -> Iterator[Bars]:
    console = Console(stderr=True, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    bars = Bars(*columns, console=console, disable=not console.is_terminal, refresh_per_second=_REFRESHES_PER_SECOND)
    with bars:
        yield bars


class _Progress:
    """Two bars: all runs, whose pace gives the end of the experiment, and the current phase."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._all = bars.add_task("runs", total=None)
        self._now = bars.add_task("", total=None)
        self._finished = 0
        self._total = 0.0

    def cell(self, name: str, number: int, cells: int) -> None:
        """Start a run."""
        self._finished, self._total = number - 1, 0.0
        self._bars.update(self._all, total=cells, completed=number - 1, description=f"{number}/{cells} {name}")

    def phase(self, name: str, total: float) -> None:
        """Start a phase of a run."""
        self._total = total if name == LABELLING else 0.0
        self._bars.reset(self._now, total=total or None, description=name)

    def done(self, completed: float) -> None:
        """Show how much of the phase is completed; only labelling moves the bar of all runs."""
        self._bars.update(self._now, completed=completed)
        if self._total:
            self._bars.update(self._all, completed=self._finished + completed / self._total)

    def notice(self, text: str) -> None:
        """Print a sentence."""
        self._bars.console.print(text, markup=False, highlight=False)


def _show(folder: ResultsFolder, finished_before: int) -> None:
    table = Table("run", "tweets/s", "p50 ms", "accuracy", "macro-F1", "J/tweet", "above idle", title=str(folder.path))
    for result in folder.results():
        summary = summarise(result)
        table.add_row(
            result.cell,
            f"{summary.tweets_per_second:.1f}",
            f"{1000 * summary.latency_seconds[0]:.1f}",
            f"{summary.accuracy:.1%}",
            f"{summary.macro_f1:.1%}",
            *_energy(summary),
        )
    console = Console()
    console.print(table)
    if finished_before:
        console.print(f"{finished_before} were finished before.")


def _energy(summary: Summary) -> tuple[str, str]:
    per_tweet = 1 / summary.tweets_per_second if summary.tweets else 0.0
    return _joules(summary.during.watts, per_tweet), _joules(summary.above_idle_watts, per_tweet)


def _joules(watts: Estimate | None, seconds: float) -> str:
    if watts is None:
        return "not measured"
    joules = watts * seconds
    error = joules.standard_error
    return f"{joules.value:.3g}" + ("" if math.isnan(error) else f" ± {error:.2g}")
