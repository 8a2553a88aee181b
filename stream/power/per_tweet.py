"""Energy per tweet over a sliding window: total energy, and energy above idle."""

import math
from collections import deque
from dataclasses import dataclass

from stream.power.energy import Energy
from stream.power.idle import IdlePower
from stream.power.reading import Estimate, Reading


@dataclass(frozen=True, slots=True)
class Work:
    """Work of the service since its start, and tweets in progress."""

    received: int = 0
    labelled: int = 0
    in_progress: int = 0

    def idle_since(self, before: "Work") -> bool:
        """Return whether no tweet was in progress between `before` and now."""
        return self.in_progress == before.in_progress == 0 and self.received == before.received


@dataclass(frozen=True, slots=True)
class JoulesPerTweet:
    """Energy per tweet; None if unknown."""

    tweets: int
    """Number of tweets in the window."""
    all_energy: Estimate | None
    """Total energy of the window per tweet."""
    above_idle: Estimate | None
    """Energy above the idle power consumption per tweet."""


class EnergyPerTweet:
    """Latest readings with the number of tweets labelled in each.

    Args:
        window_seconds: Length of the window.
    """

    def __init__(self, window_seconds: float) -> None:
        self.idle = IdlePower()
        self._window_seconds = window_seconds
        self._readings: deque[tuple[Reading, int]] = deque()
        self._readings_seconds = 0.0
        self._work: Work | None = None

    def add(self, reading: Reading, work: Work) -> None:
        """Add a reading and the work done by its end. Work in a gap is left out, as is its energy."""
        before, self._work = self._work, work
        if before is None or reading.gap_seconds:
            before = work
        self.idle.add(reading, idle=work.idle_since(before) and not reading.gap_seconds)
        self._readings.append((reading, work.labelled - before.labelled))
        self._readings_seconds += reading.seconds
        while self._readings_seconds > self._window_seconds and len(self._readings) > 1:
            self._readings_seconds -= self._readings.popleft()[0].seconds

    def joules(self) -> JoulesPerTweet:
        """Return the energy per tweet over the window."""
        tweets = sum(labelled for _, labelled in self._readings)
        if not tweets:
            return JoulesPerTweet(0, None, None)
        energy = Energy()
        for reading, _ in self._readings:
            energy.add(reading)
        joules = energy.joules
        above = self._above_idle(joules, energy.measured_seconds)
        return JoulesPerTweet(tweets, joules * (1 / tweets), above and above * (1 / tweets))

    def _above_idle(self, joules: Estimate, seconds: float) -> Estimate | None:
        if self.idle.watts is None:
            return None
        idle = self.idle.watts * seconds
        difference = joules.value - idle.value
        # An error of the zero is in both and cancels; an error of the gain scales their difference.
        scale = abs(joules.scale / joules.value * difference) if joules.value else 0.0
        return Estimate(difference, math.hypot(joules.noise, idle.noise), 0.0, scale)
