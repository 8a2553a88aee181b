"""The progress bar of commands that work through a file, on stderr, and only where that is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from stream.tweets.lines import size_bytes


@contextmanager
def line_progress(doing: str, name: str) -> Iterator[Callable[[bytes], None]]:
    """Show how far through a file the work is.

    Args:
        doing: What is being done, one word.
        name: The file, or `-` for stdin.

    Yields:
        What is to be called with each line that is done.
    """
    console = Console(stderr=True)
    columns = (TextColumn(doing), BarColumn(), TextColumn("{task.fields[tweets]} tweets"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=size_bytes(name), tweets=0)
        tweets = 0

        def done(line: bytes) -> None:
            nonlocal tweets
            tweets += 1
            progress.update(task, advance=len(line) + 1, tweets=tweets)

        yield done
