"""Progress bars of commands that label tweets, on stderr, and only where that is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def tweet_progress(doing: str, tweets: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many tweets are done.

    Args:
        doing: What is being done, or by which model.
        tweets: How many there are.

    Yields:
        What is to be told how many more are done.
    """
    console = Console(stderr=True)
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TextColumn("tweets"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=tweets)

        def done(more: int) -> None:
            progress.advance(task, more)

        yield done
