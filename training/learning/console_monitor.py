"""Shows how a run goes, and lets it be interrupted between two steps."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_LINE_SECONDS = 60.0
"""A file or a pipe gets a line so often, where a terminal has its bar."""


class ConsoleMonitor:
    """Shows a bar for each stage on stderr, or a line each minute where that is no terminal.

    Args:
        progress: What draws the bars.
    """

    def __init__(self, progress: Progress) -> None:
        self.interrupted = False
        self.title = ""
        """What the bars are of, such as a seed."""
        self._progress = progress
        self._task: Any = None
        self._said_at_seconds = -_LINE_SECONDS

    def begin_part(self, part: str, total: int, done: int) -> None:
        """A part begins, of which some steps, or tweets, may be done already."""
        title = f"{self.title} {part}".strip()
        self._task = self._progress.add_task(title, total=total, completed=done, told="")

    def on_step(self, doing: str) -> None:
        """Something else that takes its time begins."""
        self._progress.console.print(doing, highlight=False)

    def step_done(self, loss: float, best: float) -> None:
        """A step was made, and judged if it was to be."""
        self._advance(1, f"steps, loss {loss:.3f}" + (f", best {best:.2%}" if best >= 0 else ""))

    def tweets_done(self, tweets: int) -> None:
        """A teacher told what it makes of so many more tweets."""
        self._advance(tweets, "tweets")

    def _advance(self, done: int, told: str) -> None:
        self._progress.update(self._task, advance=done, told=told)
        if not self._progress.console.is_terminal and time.monotonic() >= self._said_at_seconds + _LINE_SECONDS:
            self._said_at_seconds = time.monotonic()
            self._say_line(told)

    def _say_line(self, told: str) -> None:
        task = next(task for task in self._progress.tasks if task.id == self._task)
        left = "" if task.time_remaining is None else f", {timedelta(seconds=round(task.time_remaining))} left"
        line = f"{task.description}: {task.completed:.0f} of {task.total or 0:.0f} {told}{left}"
        self._progress.console.print(line, highlight=False, soft_wrap=True)


@contextmanager
def console_monitor() -> Iterator[ConsoleMonitor]:
    """Show a run; Ctrl-C and SIGTERM end it after the step that is being made, a second Ctrl-C at once."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        monitor = ConsoleMonitor(progress)

        def interrupt(_number: int, _frame: FrameType | None) -> None:
            monitor.interrupted = True
            signal.signal(signal.SIGINT, signal.default_int_handler)

        before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield monitor
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
