"""Readings of power sources: a quantity with its errors, and the mean power over a time."""

import math
from dataclasses import dataclass

from stream.power.frames import Sample


@dataclass(frozen=True, slots=True)
class Estimate:
    """A quantity with its standard errors (GUM: standard uncertainties), all in the quantity's unit.

    The three kinds propagate differently over time, so they are separate. NaN: the source states no error.
    """

    value: float
    noise: float = 0.0
    """Independent between readings: adds in quadrature, averages out."""
    offset: float = 0.0
    """The same in every reading, for instance an error of the zero: adds linearly, cancels in a difference."""
    scale: float = 0.0
    """The same fraction of every reading, for instance an error of the gain: adds linearly."""

    @property
    def standard_error(self) -> float:
        """Total standard error."""
        return math.hypot(self.noise, self.offset, self.scale)

    def __mul__(self, factor: float) -> "Estimate":
        """Multiply by an exact number."""
        size = abs(factor)
        return Estimate(self.value * factor, self.noise * size, self.offset * size, self.scale * size)

    def times(self, other: "Estimate") -> "Estimate":
        """Multiply by a quantity that has errors of noise and scale only, for instance a voltage."""
        return Estimate(
            self.value * other.value,
            math.hypot(self.noise * other.value, self.value * other.noise),
            self.offset * abs(other.value),
            math.hypot(self.scale * other.value, self.value * other.scale),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """Mean power over a time."""

    seconds: float
    """Duration of the reading."""
    watts: Estimate
    volts: Estimate | None = None
    amperes: Estimate | None = None
    gap_seconds: float = 0.0
    """Time before it that was not measured."""
    sample: Sample | None = None
    """Sums from which it was computed, if the source is the meter."""
