"""The use of a device's cores: interpreters in parallel, or threads within one.

Two interpreters need twice the memory for weights; two threads wait for each other after each operation. The faster way
depends on the processor and its caches, so it is measured.
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
"""Duration of the measurement of each candidate; on the slowest devices one batch takes longer."""
_BATCH_TWEETS = 4
_TWEET_TOKENS = 24
"""The median length of English tweets."""
_MINIMUM_SPEEDUP = 1.03
"""Speed-up from which more interpreters are worth their memory."""


class Parallelism(NamedTuple):
    """The number of interpreters, and of threads in each."""

    interpreters: int
    threads: int
    """Number of threads within each interpreter."""


def choose_parallelism(settings: ModelSettings, bundle: Bundle, cores: int) -> Parallelism:
    """Return the parallelism of the settings; what they leave open is chosen by measurement.

    Args:
        settings: Number of interpreters and threads; either may be left out.
        bundle: The model.
        cores: Number of cores.
    """
    if settings.interpreters:
        return Parallelism(settings.interpreters, settings.threads or 1)
    if settings.threads:
        return Parallelism(max(1, min(cores // settings.threads, max(_INTERPRETERS))), settings.threads)
    return fastest(candidates(cores), lambda parallelism: tweets_per_second(bundle, parallelism))


def candidates(cores: int) -> list[Parallelism]:
    """Return the candidates for a number of cores, the one with the fewest interpreters first."""
    return [Parallelism(count, cores // count) for count in _INTERPRETERS if count <= cores]


def fastest(candidates: Sequence[Parallelism], rate: Callable[[Parallelism], float]) -> Parallelism:
    """Return the candidate with the highest rate; fewer interpreters are preferred where the difference is small."""
    best = candidates[0]
    if len(candidates) == 1:
        return best
    best_rate = rate(best)
    for candidate in candidates[1:]:
        if (candidate_rate := rate(candidate)) > best_rate * _MINIMUM_SPEEDUP:
            best, best_rate = candidate, candidate_rate
    return best


def tweets_per_second(bundle: Bundle, parallelism: Parallelism) -> float:
    """Measure the throughput of a candidate briefly, with all of its interpreters busy."""
    classifiers = [Classifier(bundle, parallelism.threads) for _ in range(parallelism.interpreters)]
    batch = [[PADDING_ID + 1] * min(_TWEET_TOKENS, bundle.manifest.max_tokens)] * _BATCH_TWEETS
    for classifier in classifiers:
        classifier.probabilities(batch)  # the first inference takes longer
    until = time.perf_counter() + _SECONDS

    def work(classifier: Classifier) -> float:
        started, tweets = time.perf_counter(), 0
        while not tweets or time.perf_counter() < until:
            classifier.probabilities(batch)
            tweets += len(batch)
        return tweets / (time.perf_counter() - started)

    with ThreadPoolExecutor(parallelism.interpreters, thread_name_prefix="parallelism") as threads:
        return sum(threads.map(work, classifiers))
