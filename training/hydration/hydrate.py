"""Fetching of many tweets, a hundred per request, with waits where the API limits the rate."""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from training.errors import HydrationError
from training.hydration.found import Missing
from training.hydration.journal import Journal
from training.hydration.x_api import MOST_IDS, Answer, TryLaterError

_MOST_WAIT_SECONDS = 900.0
"""Wait where the API does not say how long, at most: its rates are limited in windows of this length."""
_MOST_TRIES = 8
"""Requests for one batch, at most."""
_HIGHEST_ID = 2**63 - 1


class Api(Protocol):
    """The source of tweets."""

    def look_up(self, ids: Sequence[str]) -> Answer:
        """Look tweets up, as XApi does."""


class Progress(Protocol):
    """The display of the progress."""

    def done(self, tweets: int) -> None:
        """Count tweets that were found or missed."""

    def waiting(self, reason: str, seconds: float) -> None:
        """Show that the next request has to wait."""


def hydrate(
    ids: Iterable[str],
    api: Api,
    journal: Journal,
    progress: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Fetch each tweet that is not in the journal.

    Raises:
        HydrationError: The API refuses, or did not answer in many tries. What was fetched before is in the journal.
        InputError: The journal cannot be written.
    """
    wanted = [tweet_id for tweet_id in dict.fromkeys(ids) if not journal.has(tweet_id)]
    impossible = [tweet_id for tweet_id in wanted if not 0 < int(tweet_id) <= _HIGHEST_ID]
    journal.add([], [Missing(tweet_id, "not-an-id", f"an id is 1 to {_HIGHEST_ID}") for tweet_id in impossible])
    progress.done(len(impossible))
    wanted = [tweet_id for tweet_id in wanted if not journal.has(tweet_id)]
    for first in range(0, len(wanted), MOST_IDS):
        batch = wanted[first : first + MOST_IDS]
        answer = _answer(batch, api, progress, sleep)
        journal.add(answer.found, answer.missing)
        progress.done(len(batch))


def _answer(batch: Sequence[str], api: Api, progress: Progress, sleep: Callable[[float], None]) -> Answer:
    for attempt in range(_MOST_TRIES):
        try:
            return api.look_up(batch)
        except TryLaterError as error:
            reason = error.reason
            if attempt + 1 < _MOST_TRIES:
                seconds = error.wait_seconds
                if seconds is None:
                    seconds = min(error.first_wait_seconds * 2**attempt, _MOST_WAIT_SECONDS)
                    seconds *= random.uniform(0.5, 1.5)  # noqa: S311  (no secret depends on it)
                progress.waiting(reason, seconds)
                sleep(seconds)
    raise HydrationError(
        f"the X API did not answer in {_MOST_TRIES} tries: {reason}; what was fetched is kept, and the same command "
        "goes on from there"
    )
