"""What every source of energy figures gives: a quantity with its errors, and a stretch of time with its power."""

import math
from dataclasses import dataclass

from stream.power.frames import Sample


@dataclass(frozen=True, slots=True)
class Estimate:
    """A quantity with its standard errors (GUM: standard uncertainties), all in the quantity's unit.

    The three kinds add up differently over time, so they are kept apart. A source that states no error has NaN.
    """

    value: float
    noise: float = 0.0
    """Differs from one reading to the next, so it averages out: adds in quadrature."""
    offset: float = 0.0
    """The same in every reading, as a wrong zero is: adds linearly, and cancels in a difference."""
    scale: float = 0.0
    """The same fraction of every reading, as a wrong gain is: adds linearly."""

    @property
    def standard_error(self) -> float:
        """All three together."""
        return math.hypot(self.noise, self.offset, self.scale)

    def __mul__(self, factor: float) -> "Estimate":
        """Multiply by an exact number."""
        size = abs(factor)
        return Estimate(self.value * factor, self.noise * size, self.offset * size, self.scale * size)

    def times(self, other: "Estimate") -> "Estimate":
        """Multiply by a quantity whose own error is one of noise and scale, as a voltage's is."""
        return Estimate(
            self.value * other.value,
            math.hypot(self.noise * other.value, self.value * other.noise),
            self.offset * abs(other.value),
            math.hypot(self.scale * other.value, self.value * other.scale),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """The mean power over a stretch of time."""

    seconds: float
    """How long it stands for."""
    watts: Estimate
    volts: Estimate | None = None
    amperes: Estimate | None = None
    gap_seconds: float = 0.0
    """The time before it of which nothing is known."""
    sample: Sample | None = None
    """The sums that it was computed from, where they came from our meter."""
