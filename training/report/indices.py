"""The paper's three indices, equations (2), (3) and (4), each quantity in a unit of its own so that none is confused.

    SI  = FLOPS / (Q · t)                  sustainability index
    MPI = (accuracy + F) / P_tot           model performance index
    RER = E_tot / (CPU % · MEM %)          resource efficiency ratio

P_tot is the paper's 'Power (KW)': a sum of readings in watts, some ten a second, not a power. E_tot is that times the
total time in seconds; only so do its rankings come out. Q is not defined in what is known to us of the paper: here it
is the bits of a weight, see docs/paper.md. `paper_power` turns joules into the paper's sum, so that our rows and its
own can stand side by side.
"""

import math
from typing import NewType

OperationsPerSecond = NewType("OperationsPerSecond", float)
Seconds = NewType("Seconds", float)
Bits = NewType("Bits", int)
Share = NewType("Share", float)
"""From 0 to 1."""
Percent = NewType("Percent", float)
Joules = NewType("Joules", float)
SummedKilowatts = NewType("SummedKilowatts", float)
"""Readings in kilowatts, added up: the paper's 'Power (KW)'."""
SummedKilowattSeconds = NewType("SummedKilowattSeconds", float)
"""The paper's E_tot."""

READINGS_PER_SECOND = 10.0
"""The paper's, nearly: 2,919.80 kW over 64,719 s is 45 W a second, and the board draws 4.5 W."""


def sustainability_index(flops: OperationsPerSecond, q: Bits, time: Seconds) -> float:
    """Equation (2).

    Args:
        flops: Operations done over time.
        q: The bits of a weight.
        time: All tweets'.
    """
    return _positive(flops, "FLOPS") / (_positive(q, "Q") * _positive(time, "t"))


def model_performance_index(accuracy: Share, f: Share, power: SummedKilowatts) -> float:
    """Equation (3)."""
    return (_share(accuracy, "accuracy") + _share(f, "F")) / _positive(power, "P_tot")


def resource_efficiency_ratio(energy: SummedKilowattSeconds, cpu: Percent, memory: Percent) -> float:
    """Equation (4)."""
    return _positive(energy, "E_tot") / (_positive(cpu, "CPU %") * _positive(memory, "MEM %"))


def paper_power(joules: Joules) -> SummedKilowatts:
    """What the paper would have written for an energy: ten readings a second, added up."""
    return SummedKilowatts(joules * READINGS_PER_SECOND / 1000)


def paper_energy(power: SummedKilowatts, time: Seconds) -> SummedKilowattSeconds:
    """The paper's E_tot: its 'Power' times the total time."""
    return SummedKilowattSeconds(power * time)


def percent(share: Share) -> Percent:
    """Turn 0 to 1 into 0 to 100."""
    return Percent(100 * share)


def _positive(value: float, name: str) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be above 0, not {value}")
    return value


def _share(value: float, name: str) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a share from 0 to 1, not {value}: is it in percent?")
    return value
