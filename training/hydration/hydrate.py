"""Asks for many tweets, a hundred at a time, and goes on however often the API must be waited for."""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from training.errors import HydrationError
from training.hydration.journal import Journal
from training.hydration.x_api import MOST_IDS, Answer, TryLaterError

_FIRST_WAIT_SECONDS = 1.0
_MOST_TRIES = 8
"""Of one batch, where the API does not say how long it wants to be left alone: two minutes in all."""


class Api(Protocol):
    """What looks tweets up."""

    def look_up(self, ids: Sequence[str]) -> Answer:
        """As XApi's."""


class Progress(Protocol):
    """What is told how it goes."""

    def done(self, tweets: int) -> None:
        """So many more tweets are known to be there or not."""

    def waiting(self, reason: str, seconds: float) -> None:
        """The API is left alone for a while."""


def hydrate(
    ids: Iterable[str],
    api: Api,
    journal: Journal,
    progress: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Find out what became of each tweet that the journal does not know of.

    Raises:
        HydrationError: The API refuses, or did not answer in many tries. What was learnt is in the journal.
        InputError: The journal cannot be written.
    """
    wanted = [tweet_id for tweet_id in dict.fromkeys(ids) if not journal.has(tweet_id)]
    for first in range(0, len(wanted), MOST_IDS):
        batch = wanted[first : first + MOST_IDS]
        answer = _answer(batch, api, progress, sleep)
        journal.add(answer.found, answer.missing)
        progress.done(len(batch))


def _answer(batch: Sequence[str], api: Api, progress: Progress, sleep: Callable[[float], None]) -> Answer:
    wait_seconds, tries = _FIRST_WAIT_SECONDS, 0
    while True:
        try:
            return api.look_up(batch)
        except TryLaterError as error:
            told = error.wait_seconds
            tries += told is None
            if tries == _MOST_TRIES:
                raise HydrationError(
                    f"the X API did not answer in {_MOST_TRIES} tries: {error.reason}; what was fetched is kept, the "
                    "same command goes on from there"
                ) from error
            seconds = told if told is not None else wait_seconds * random.uniform(0.5, 1.5)  # noqa: S311
            wait_seconds *= 2
            progress.waiting(error.reason, seconds)
            sleep(seconds)
