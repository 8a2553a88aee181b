"""Progress of a run on stderr, and interruption by signals between two steps."""

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
"""Time between two lines of progress if stderr is not a terminal."""


class ConsoleMonitor:
    """Progress bar for each stage on stderr, or a line per minute if stderr is not a terminal.

    Args:
        progress: rich's progress display.
    """

    def __init__(self, progress: Progress) -> None:
        self.interrupted = False
        self.title = ""
        """Prefix of the bars' titles, for example the seed."""
        self._progress = progress
        self._task: Any = None
        self._last_line_seconds = -_LINE_SECONDS

    def begin_part(self, part: str, total: int, done: int) -> None:
        """Report the start of a part with `total` steps or tweets, of which `done` are finished already."""
        title = f"{self.title} {part}".strip()
        self._task = self._progress.add_task(title, total=total, completed=done, status="")

    def on_step(self, doing: str) -> None:
        """Report the start of another activity."""
        self._progress.console.print(doing, highlight=False)

    def step_done(self, loss: float, best: float) -> None:
        """Report a finished step with its loss, and the best score so far."""
        self._advance(1, f"steps, loss {loss:.3f}" + (f", best {best:.2%}" if best >= 0 else ""))

    def tweets_done(self, tweets: int) -> None:
        """Report the number of tweets that a teacher classified since the last report."""
        self._advance(tweets, "tweets")

    def _advance(self, done: int, status: str) -> None:
        self._progress.update(self._task, advance=done, status=status)
        if not self._progress.console.is_terminal and time.monotonic() >= self._last_line_seconds + _LINE_SECONDS:
            self._last_line_seconds = time.monotonic()
            self._print_line(status)

    def _print_line(self, status: str) -> None:
        task = next(task for task in self._progress.tasks if task.id == self._task)
        left = "" if task.time_remaining is None else f", {timedelta(seconds=round(task.time_remaining))} left"
        line = f"{task.description}: {task.completed:.0f} of {task.total or 0:.0f} {status}{left}"
        self._progress.console.print(line, highlight=False, soft_wrap=True)


@contextmanager
def console_monitor() -> Iterator[ConsoleMonitor]:
    """Show the progress of a run. Ctrl-C and SIGTERM stop it after the current step, a second Ctrl-C immediately."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[status]}"),
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
