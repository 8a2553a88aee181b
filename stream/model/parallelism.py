"""How a device's cores are best shared out: interpreters side by side, or threads within one.

Two interpreters need twice the memory for weights; two threads wait for each other after every operation. Which gives
more tweets a second depends on the processor and its caches, so it is measured.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from stream.model.bundle import PADDING_ID, Bundle
from stream.model.classifier import Classifier
from stream.settings import ModelSettings

_INTERPRETERS = (1, 2, 4)
_SECONDS = 0.1
"""For each parallelism; on the slowest devices one batch takes longer."""
_BATCH_TWEETS = 4
_TWEET_TOKENS = 24
"""The median of tweets in English."""
_WORTH_IT = 1.03
"""So much faster must a parallelism with more interpreters be to be worth their memory."""


class Parallelism(NamedTuple):
    """A way to use the cores."""

    interpreters: int
    threads: int
    """Within each interpreter."""


def choose_parallelism(settings: ModelSettings, bundle: Bundle, cores: int) -> Parallelism:
    """The parallelism that the settings ask for, and what they leave open as is fastest here.

    Args:
        settings: Interpreters and threads, either of which may be left out.
        bundle: The model.
        cores: How many there are.
    """
    if settings.interpreters:
        return Parallelism(settings.interpreters, settings.threads or 1)
    if settings.threads:
        return Parallelism(max(1, min(cores // settings.threads, max(_INTERPRETERS))), settings.threads)
    return fastest(candidates(cores), lambda parallelism: tweets_per_second(bundle, parallelism))


def candidates(cores: int) -> list[Parallelism]:
    """The layouts worth trying on so many cores, the one with the fewest interpreters first."""
    return [Parallelism(count, cores // count) for count in _INTERPRETERS if count <= cores]


def fastest(candidates: Sequence[Parallelism], rate: Callable[[Parallelism], float]) -> Parallelism:
    """The parallelism with the highest rate, fewer interpreters preferred where it makes little difference."""
    best = candidates[0]
    if len(candidates) == 1:
        return best
    best_rate = rate(best)
    for candidate in candidates[1:]:
        if (candidate_rate := rate(candidate)) > best_rate * _WORTH_IT:
            best, best_rate = candidate, candidate_rate
    return best


def tweets_per_second(bundle: Bundle, parallelism: Parallelism) -> float:
    """Measure a parallelism for a moment, all of its interpreters at work."""
    classifiers = [Classifier(bundle, parallelism.threads) for _ in range(parallelism.interpreters)]
    batch = [[PADDING_ID + 1] * min(_TWEET_TOKENS, bundle.manifest.max_tokens)] * _BATCH_TWEETS
    for classifier in classifiers:
        classifier.probabilities(batch)  # the first time costs more
    until = time.perf_counter() + _SECONDS

    def work(classifier: Classifier) -> float:
        started, tweets = time.perf_counter(), 0
        while not tweets or time.perf_counter() < until:
            classifier.probabilities(batch)
            tweets += len(batch)
        return tweets / (time.perf_counter() - started)

    with ThreadPoolExecutor(parallelism.interpreters, thread_name_prefix="parallelism") as threads:
        return sum(threads.map(work, classifiers))
