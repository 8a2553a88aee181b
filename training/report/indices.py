"""The paper's three indices, equations (2), (3) and (4), with a type per unit, so that units cannot be mixed up.

    SI  = FLOPS / (Q · t)                  speed index
    MPI = (accuracy + F) / P_tot           model performance index
    RER = E_tot / (CPU % · MEM %)          resource efficiency ratio

Q is the number of quantisation bits, t the total time in seconds, P_tot the 'total power dissipation in Kilo Watts',
which is the paper's 'Power (KW)': a sum of power readings, not a power. E_tot has no unit in the paper. Its ranking of
the devices follows only if E_tot is 'Power' times t, so that is used here. `paper_power` converts joules into such a
sum.
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
"""Sum of power readings in kilowatts: the paper's 'Power (KW)'."""
SummedKilowattSeconds = NewType("SummedKilowattSeconds", float)
"""The paper's E_tot."""

READING_RATES = (10.0, 20.0)
"""Power readings per second that the paper may have summed; it does not print the rate.

'Power' divided by time is 45, 70 and 70 W of readings per second on the three boards. With 10 per second the boards
would use 4.5, 6.9 and 7.0 W, more than they use with all four cores busy (3.7, 5.1, 6.4 W). With 20 per second they
would use 2.3, 3.5 and 3.5 W, between idle and that.
"""
FIRST_RATE = READING_RATES[0]
"""Rate at which our own joules are converted; the other rate gives twice the 'Power'."""


def speed_index(flops: OperationsPerSecond, q: Bits, time: Seconds) -> float:
    """Compute equation (2).

    Args:
        flops: Operations per second.
        q: Quantisation bits.
        time: Total time.
    """
    return _positive(flops, "FLOPS") / (_positive(q, "Q") * _positive(time, "t"))


def model_performance_index(accuracy: Share, f: Share, power: SummedKilowatts) -> float:
    """Compute equation (3)."""
    return (_share(accuracy, "accuracy") + _share(f, "F")) / _positive(power, "P_tot")


def resource_efficiency_ratio(energy: SummedKilowattSeconds, cpu: Percent, memory: Percent) -> float:
    """Compute equation (4)."""
    return _positive(energy, "E_tot") / (_positive(cpu, "CPU %") * _positive(memory, "MEM %"))


def paper_power(joules: Joules, readings_per_second: float = FIRST_RATE) -> SummedKilowatts:
    """Convert joules into the paper's 'Power': the sum of so many readings in kilowatts per second."""
    return SummedKilowatts(joules * readings_per_second / 1000)


def joules_of_paper_power(power: SummedKilowatts, readings_per_second: float) -> Joules:
    """Convert the paper's 'Power' into joules, if so many readings per second were summed."""
    return Joules(1000 * power / readings_per_second)


def paper_energy(power: SummedKilowatts, time: Seconds) -> SummedKilowattSeconds:
    """Return the paper's E_tot: its 'Power' times the total time."""
    return SummedKilowattSeconds(power * time)


def percent(share: Share) -> Percent:
    """Convert a ratio from 0 to 1 into percent."""
    return Percent(100 * share)


def _positive(value: float, name: str) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be above 0, not {value}")
    return value


def _share(value: float, name: str) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a ratio from 0 to 1, not {value}: is it in percent?")
    return value
