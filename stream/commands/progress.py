"""The progress bar of commands that work through a file, on stderr, and only where that is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from stream.tweets.source import Source


@contextmanager
def tweet_progress(activity: str, source: Source) -> Iterator[Callable[[], None]]:
    """Show the progress through a file.

    Args:
        activity: The activity in one word.
        source: The file.

    Yields:
        A function to call for each tweet that is done.
    """
    console = Console(stderr=True)
    columns = (TextColumn(activity), BarColumn(), TextColumn("{task.fields[tweets]} tweets"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(activity, total=source.size_bytes, tweets=0)
        tweets = 0

        def done() -> None:
            nonlocal tweets
            tweets += 1
            progress.update(task, completed=source.bytes_read, tweets=tweets)

        yield done
