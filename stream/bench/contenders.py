"""Contenders of a comparison: a process that labels given texts, or a service behind a broker."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stream.bench.phases import tweets_per_second
from stream.bench.processor_time import cpu_seconds, resident_bytes
from stream.bench.rig import SERVICE, Rig
from stream.errors import BenchError
from stream.processes.child import Child

_ANSWER_SECONDS = 3600.0
_MOST_AT_ONCE = 20_000


@dataclass(frozen=True)
class Turn:
    """Measurements of one turn."""

    tweets: int
    tweets_per_second: float
    cpu_seconds_per_tweet: float


class Contender(Protocol):
    """An implementation that is measured in turns with others."""

    def turn(self, count: int) -> Turn:
        """Label `count` tweets and measure it."""

    def resident_bytes(self) -> int:
        """Return the resident set size."""


class TextContender:
    """A process that labels texts.

    Args:
        child: The process.
        texts: The tweets' texts, the same for all contenders; each turn starts with the first.
    """

    def __init__(self, child: Child, texts: Sequence[str]) -> None:
        self._child = child
        self._texts = texts

    def turn(self, count: int) -> Turn:
        """Label `count` texts as fast as possible.

        Raises:
            BenchError: The process ended, or returned another number of labels.
        """
        cpu_before, started = cpu_seconds(self._child.pid), time.monotonic()
        self.labels(count)
        seconds, used = time.monotonic() - started, cpu_seconds(self._child.pid) - cpu_before
        return Turn(count, count / seconds, used / count)

    def labels(self, count: int) -> list[str]:
        """Return the labels of `count` texts.

        Raises:
            BenchError: As for `turn`.
        """
        texts = [self._texts[place % len(self._texts)] for place in range(count)]
        labels = self._child.ask({"job": "label", "texts": texts}, _ANSWER_SECONDS).get("labels")
        if not isinstance(labels, list) or len(labels) != count:
            raise BenchError(f"a peer returned {len(labels or ())} labels for {count} texts")
        return labels

    def resident_bytes(self) -> int:
        """Return the resident set size of the process."""
        return resident_bytes(self._child.pid)


class ServiceContender:
    """A service behind a broker; all tweets of a turn wait in the broker at its start.

    Args:
        rig: The service, the broker and the load.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def turn(self, count: int) -> Turn:
        """Label `count` tweets.

        Raises:
            BenchError: Tweets were lost.
        """
        load = self._rig.load(count)
        if load.lost:
            raise BenchError(f"{load.lost} of {count} tweets were lost")
        start, end = load.steady()
        served = max(1, load.labelled_between(start, end))
        used = self._rig.sampled[SERVICE].cpu_between(start, end)
        return Turn(load.labelled, tweets_per_second(load), used / served)

    def resident_bytes(self) -> int:
        """Return the resident set size of the service."""
        return self._rig.sampled[SERVICE].last_resident_bytes


def turn_size(contender: Contender, seconds: float) -> int:
    """Return the number of tweets that take about `seconds`; the trials also warm the contender up."""
    count = 2
    while True:
        turn = contender.turn(count)
        fitting = int(turn.tweets_per_second * seconds)
        if fitting <= 4 * count or count >= _MOST_AT_ONCE:
            return max(2, min(fitting, _MOST_AT_ONCE))
        count = min(4 * count, _MOST_AT_ONCE)
