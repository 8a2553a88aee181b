"""What happened to the machine while it was measured, and whether figures taken then are to be believed."""

import os
import time
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from stream.model.loading import available_cores
from stream.telemetry.resources import THROTTLED_BITS, throttled_bits

_OCCURRED_SHIFT = 16
"""The firmware's `get_throttled` tells from this bit on what has happened since the machine's start."""
_HOT_CELSIUS = 80.0
"""From here on a Raspberry Pi slows itself down."""
_MOST_STEAL = 0.01
_MOST_OTHERS = 0.05
_MOST_LOAD_A_CORE = 0.3
_LEAST_FREQUENCY = 0.9
_NOT_AT_WORK = ("idle", "iowait", "steal", "guest", "guest_nice")


@dataclass(frozen=True)
class Conditions:
    """The machine at one moment; the seconds are summed over all cores since its start."""

    at: float
    load1: float
    work_seconds: float
    steal_seconds: float
    own_seconds: float
    """What this process, and its children that have ended, have used of the work."""
    megahertz: float | None
    most_megahertz: float | None
    celsius: float | None
    throttled: int | None
    """The Raspberry Pi firmware's bits; None on other machines."""


def conditions() -> Conditions:
    """Read how the machine is now."""
    times, own, frequency = psutil.cpu_times(), os.times(), psutil.cpu_freq()
    sensors = psutil.sensors_temperatures()
    return Conditions(
        at=time.monotonic(),
        load1=psutil.getloadavg()[0],
        work_seconds=sum(getattr(times, mode) for mode in times._fields if mode not in _NOT_AT_WORK),
        steal_seconds=getattr(times, "steal", 0.0),
        own_seconds=own.user + own.system + own.children_user + own.children_system,
        megahertz=frequency.current if frequency else None,
        most_megahertz=frequency.max or None if frequency else None,
        celsius=max((sensor.current for chip in sensors.values() for sensor in chip), default=None),
        throttled=throttled_bits(),
    )


@dataclass(frozen=True)
class Meanwhile:
    """Two moments, and what was between them. Children that are measured must have ended before the second.

    Args:
        before: The moment before the first measurement.
        after: The moment after the last.
    """

    before: Conditions
    after: Conditions

    @property
    def steal_ratio(self) -> float:
        """The share of the cores' time that the hypervisor gave to other machines."""
        return (self.after.steal_seconds - self.before.steal_seconds) / self._core_seconds

    @property
    def others_ratio(self) -> float:
        """The share of the cores' time that other processes used, the kernel's own among them."""
        work = self.after.work_seconds - self.before.work_seconds
        own = self.after.own_seconds - self.before.own_seconds
        return max(0.0, work - own) / self._core_seconds

    @property
    def _core_seconds(self) -> float:
        return max(1e-3, self.after.at - self.before.at) * (psutil.cpu_count() or 1)

    def warnings(self) -> list[str]:
        """Say in a sentence each why the figures may be wrong."""
        return [*self._throttling(), *self._heat(), *self._slowness(), *self._company()]

    def as_json(self) -> dict[str, Any]:
        """Both moments and what was between them."""
        return {
            "before": asdict(self.before),
            "after": asdict(self.after),
            "steal_ratio": round(self.steal_ratio, 4),
            "others_ratio": round(self.others_ratio, 4),
        }

    def _throttling(self) -> list[str]:
        before, after = self.before.throttled or 0, self.after.throttled or 0
        began = (after & ~before) >> _OCCURRED_SHIFT
        reasons = [reason for bit, reason in THROTTLED_BITS.items() if (before | after | began) >> bit & 1]
        named = ", ".join(reason.replace("_", " ") for reason in reasons)
        return [f"the machine was throttled ({named}): these are not its figures"] if reasons else []

    def _heat(self) -> list[str]:
        hottest = max(moment.celsius or 0.0 for moment in (self.before, self.after))
        return (
            [f"the machine is hot ({hottest:.0f} °C): it may have slowed itself down"]
            if hottest >= _HOT_CELSIUS
            else []
        )

    def _slowness(self) -> list[str]:
        now, most = self.after.megahertz, self.after.most_megahertz
        if now and most and now < _LEAST_FREQUENCY * most:
            return [f"the cores run at {now:.0f} MHz of {most:.0f}: the governor, or heat, holds them back"]
        return []

    def _company(self) -> list[str]:
        found = []
        if self.before.load1 > _MOST_LOAD_A_CORE * available_cores():
            found.append(f"the machine was busy before the start (load average {self.before.load1:.2f})")
        if self.others_ratio > _MOST_OTHERS:
            found.append(f"other processes used {self.others_ratio:.0%} of the cores: believe CPU time, not wall time")
        if self.steal_ratio > _MOST_STEAL:
            found.append(
                f"the hypervisor gave {self.steal_ratio:.1%} of the cores to others: believe CPU time, not wall time"
            )
        return found
