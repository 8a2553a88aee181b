"""Joules a tweet, over a sliding window: all that was drawn, and what was drawn above idle."""

import math
from collections import deque
from dataclasses import dataclass

from stream.power.energy import Energy
from stream.power.idle import IdlePower
from stream.power.reading import Estimate, Reading


@dataclass(frozen=True, slots=True)
class Work:
    """What the service has done since its start, and whether it is at it."""

    received: int = 0
    labelled: int = 0
    in_progress: int = 0

    def idle_since(self, before: "Work") -> bool:
        """Whether there was no tweet in hand from then to now."""
        return self.in_progress == before.in_progress == 0 and self.received == before.received


@dataclass(frozen=True, slots=True)
class JoulesPerTweet:
    """The cost of a tweet; None where it is not known."""

    tweets: int
    """Over how many."""
    all_energy: Estimate | None
    """All that was drawn over the window, idle or not."""
    above_idle: Estimate | None
    """That less what the machine draws anyway."""


class EnergyPerTweet:
    """Keeps the last readings with the tweets labelled in each.

    Args:
        window_seconds: How far back they go.
    """

    def __init__(self, window_seconds: float) -> None:
        self.idle = IdlePower()
        self._window_seconds = window_seconds
        self._kept: deque[tuple[Reading, int]] = deque()
        self._kept_seconds = 0.0
        self._work: Work | None = None

    def add(self, reading: Reading, work: Work) -> None:
        """Add a reading, and what had been done by its end. What was done in a gap is left out, as its energy is."""
        before, self._work = self._work, work
        if before is None or reading.gap_seconds:
            before = work
        self.idle.add(reading, idle=work.idle_since(before) and not reading.gap_seconds)
        self._kept.append((reading, work.labelled - before.labelled))
        self._kept_seconds += reading.seconds
        while self._kept_seconds > self._window_seconds and len(self._kept) > 1:
            self._kept_seconds -= self._kept.popleft()[0].seconds

    def joules(self) -> JoulesPerTweet:
        """The cost of a tweet over the window."""
        tweets = sum(labelled for _, labelled in self._kept)
        if not tweets:
            return JoulesPerTweet(0, None, None)
        energy = Energy()
        for reading, _ in self._kept:
            energy.add(reading)
        joules = energy.joules
        above = self._above_idle(joules, energy.measured_seconds)
        return JoulesPerTweet(tweets, joules * (1 / tweets), above and above * (1 / tweets))

    def _above_idle(self, joules: Estimate, seconds: float) -> Estimate | None:
        if self.idle.watts is None:
            return None
        idle = self.idle.watts * seconds
        difference = joules.value - idle.value
        # The wrong zero is in both and cancels; the wrong gain is in their difference.
        scale = abs(joules.scale / joules.value * difference) if joules.value else 0.0
        return Estimate(difference, math.hypot(joules.noise, idle.noise), 0.0, scale)
