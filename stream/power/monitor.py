"""Accumulates the readings of one source: energy, latest values, energy per tweet."""

import logging
import time
from collections.abc import Callable
from contextlib import aclosing

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from stream.errors import MeterError
from stream.power.energy import Energy
from stream.power.meter import MeterHealth, SerialMeter
from stream.power.per_tweet import EnergyPerTweet, JoulesPerTweet, Work
from stream.power.reading import Estimate, Reading
from stream.power.source import Source
from stream.power.zero import ZeroWatch

logger = logging.getLogger(__name__)

_STALE_SECONDS = 2.5
"""After this time the last reading is outdated; every source gives at least one per second."""


_DESCRIBED = ConfigDict(use_attribute_docstrings=True)


@with_config(_DESCRIBED)
class EstimateFields(TypedDict):
    """A measured value and its error."""

    value: float
    """The value, in the unit that its name states."""
    standard_error: float | None
    """Standard error of the value, in the same unit; null: unknown."""


@with_config(_DESCRIBED)
class JoulesPerTweetFields(TypedDict):
    """The energy per tweet over the last minute or so."""

    tweets: int
    """Tweets labelled in that time."""
    all: EstimateFields | None
    """All energy of the machine, in joules per tweet."""
    above_idle: EstimateFields | None
    """The energy above idle, in joules per tweet."""


@with_config(_DESCRIBED)
class EnergyMessage(TypedDict):
    """The power consumption of a node, and its energy per tweet; null stands for an unknown value."""

    source: str
    """Source of the measurements: the meter, or one of the machine's counters."""
    meter_up: bool
    """True if the source gives readings."""
    joules_total: EstimateFields | None
    """Energy since the start of the service, in joules."""
    measured_seconds: float
    """Time that was measured."""
    gap_seconds: float
    """Time without readings since the first one."""
    watts: EstimateFields | None
    """Power consumption now, in watts."""
    volts: EstimateFields | None
    """Voltage of the supply, in volts."""
    amperes: EstimateFields | None
    """Current, in amperes."""
    idle_watts: EstimateFields | None
    """Power consumption when idle, in watts."""
    joules_per_tweet: JoulesPerTweetFields
    """The energy per tweet."""


class PowerMonitor:
    """Accumulates the readings of a source.

    Args:
        source: The source of the readings.
        work: Returns the work of the service so far.
        window_seconds: Window over which energy per tweet is computed.
        clock: Returns seconds; tests can replace it.
    """

    def __init__(
        self,
        source: Source,
        work: Callable[[], Work],
        window_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source_name = source.name
        self.health = source.health if isinstance(source, SerialMeter) else MeterHealth()
        self.energy = Energy()
        self.per_tweet = EnergyPerTweet(window_seconds)
        self.zero = ZeroWatch()
        self._source = source
        self._work = work
        self._now = clock
        self._latest: Reading | None = None
        self._latest_at = 0.0

    async def run(self) -> None:
        """Accumulate until cancelled. If a machine's counter fails, log it and stop."""
        async with aclosing(self._source.readings()) as readings:
            try:
                async for reading in readings:
                    self.add(reading)
            except MeterError as error:
                logger.warning("%s; energy is no longer measured", error)
                self.health.up, self.health.error = False, str(error)

    def add(self, reading: Reading) -> None:
        """Add a reading."""
        self.health.up = True
        self._latest, self._latest_at = reading, self._now()
        self.energy.add(reading)
        self.per_tweet.add(reading, self._work())
        self.zero.add(reading)

    @property
    def latest(self) -> Reading | None:
        """Latest reading; None if it is outdated."""
        return self._latest if self._silent_seconds == 0 else None

    @property
    def gap_seconds(self) -> float:
        """Time without readings since the first one, up to now."""
        return self.energy.gap_seconds + self._silent_seconds

    @property
    def _silent_seconds(self) -> float:
        if self._latest is None:
            return 0.0
        silent = self._now() - self._latest_at
        return silent if silent > _STALE_SECONDS else 0.0

    def summary(self) -> EnergyMessage:
        """Return the measurements as JSON, for the node's energy topic."""
        latest, per_tweet = self.latest, self.per_tweet.joules()
        return {
            "source": self.source_name,
            "meter_up": self.health.up,
            "joules_total": _rounded(self.energy.joules),
            "measured_seconds": round(self.energy.measured_seconds, 1),
            "gap_seconds": round(self.gap_seconds, 1),
            "watts": _rounded(latest.watts if latest else None),
            "volts": _rounded(latest.volts if latest else None),
            "amperes": _rounded(latest.amperes if latest else None),
            "idle_watts": _rounded(self.per_tweet.idle.watts),
            "joules_per_tweet": _per_tweet(per_tweet),
        }


def _per_tweet(joules: JoulesPerTweet) -> JoulesPerTweetFields:
    return {
        "tweets": joules.tweets,
        "all": _rounded(joules.all_energy),
        "above_idle": _rounded(joules.above_idle),
    }


def _rounded(estimate: Estimate | None) -> EstimateFields | None:
    """Round a value to five significant digits and its error to two; an unknown error is null."""
    if estimate is None:
        return None
    error = estimate.standard_error
    return {
        "value": float(f"{estimate.value:.5g}"),
        "standard_error": None if error != error else float(f"{error:.2g}"),  # noqa: PLR0124  (NaN)
    }
