"""Interface for progress of a run and for its interruption."""

from typing import Protocol


class Monitor(Protocol):
    """Receiver of a run's progress, which can request its interruption."""

    interrupted: bool

    def begin_part(self, part: str, total: int, done: int) -> None:
        """Report the start of a part with `total` steps or tweets, of which `done` are finished already."""

    def on_step(self, doing: str) -> None:
        """Report the start of another activity."""

    def step_done(self, loss: float, best: float) -> None:
        """Report a finished step with its loss, and the best score so far."""

    def tweets_done(self, tweets: int) -> None:
        """Report the number of tweets that a teacher classified since the last report."""
