"""Estimate of an experiment's duration, from a short pilot run of each kind of run."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from stream.experiment.plan import Cell, Plan
from stream.experiment.worker import Finished

Pilot = Callable[[Cell, int], Awaitable[Finished]]
"""Runs so many tweets of a run, and records nothing."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True)
class Duration:
    """The estimated duration of all runs."""

    seconds: float
    """Without cooling down."""
    cool_down_seconds: float
    """At most, in addition."""
    runs: int
    tweets: int

    def __str__(self) -> str:
        """Say it in a sentence."""
        cooling = f", and up to {in_words(self.cool_down_seconds)} to cool down" if self.cool_down_seconds else ""
        return f"{self.runs} runs with {self.tweets:,} tweets in all: about {in_words(self.seconds)}{cooling}"


async def estimated(cells: Sequence[Cell], plan: Plan, pilot: Pilot, *, cools: bool) -> Duration:
    """Label a few tweets with each model once, and extrapolate.

    Args:
        cells: The runs to estimate.
        plan: Their plan.
        pilot: Runs a few tweets.
        cools: Whether the machine has a temperature sensor, so that runs wait for it to cool down.
    """
    pilots: dict[tuple[object, ...], Finished] = {}
    seconds, tweets = 0.0, 0
    for cell in cells:
        kind = (cell.model.name, cell.precision, cell.threads, cell.data)
        if kind not in pilots:
            pilots[kind] = await pilot(cell, plan.pilot_tweets)
        tried = pilots[kind]
        run_tweets = min(plan.tweets or tried.in_file, tried.in_file)
        pace = tried.during.seconds / max(1, tried.planned)
        seconds += plan.before_seconds + tried.load_seconds + run_tweets * pace + plan.after_seconds
        tweets += run_tweets
    waits = max(0, len(cells) - 1) if cools else 0
    return Duration(seconds, waits * plan.cool_down_seconds, len(cells), tweets)


def in_words(seconds: float) -> str:
    """Write a duration in a unit that suits it."""
    for length, name in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {name}"
    return f"{seconds:.0f} seconds"
