"""Progress bars of commands that classify tweets, on stderr if it is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def tweet_progress(title: str, tweets: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar over tweets.

    Args:
        title: Activity, or name of the model.
        tweets: Total number of tweets.

    Yields:
        A function that is called with the number of tweets finished since the last call.
    """
    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TextColumn("tweets"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=tweets)

        def done(more: int) -> None:
            progress.advance(task, more)

        yield done
