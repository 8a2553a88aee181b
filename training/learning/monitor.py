"""Who looks on while a run takes its time."""

from typing import Protocol


class Monitor(Protocol):
    """Told how a run goes, and tells it when to stop."""

    interrupted: bool

    def begin_part(self, part: str, total: int, done: int) -> None:
        """A part begins, of which some steps, or tweets, may be done already."""

    def on_step(self, doing: str) -> None:
        """Something else that takes its time begins."""

    def step_done(self, loss: float, best: float) -> None:
        """A step was made, and judged if it was to be."""

    def tweets_done(self, tweets: int) -> None:
        """A teacher told what it makes of so many more tweets."""
