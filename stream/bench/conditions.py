"""State of the machine during a measurement, and warnings if the results may be wrong."""

import os
import time
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from stream.model.loading import available_cores
from stream.telemetry.resources import THROTTLED_BITS, throttled_bits

_OCCURRED_SHIFT = 16
"""First bit of the firmware's `get_throttled` that reports events since the start of the machine."""
_HOT_CELSIUS = 80.0
"""Temperature at which a Raspberry Pi reduces its clock frequency."""
_MAX_STEAL_RATIO = 0.01
_MAX_OTHERS_RATIO = 0.05
_MAX_LOAD_PER_CORE = 0.3
_MIN_FREQUENCY_RATIO = 0.9
_NOT_WORKING = ("idle", "iowait", "steal", "guest", "guest_nice")


@dataclass(frozen=True)
class Conditions:
    """State of the machine at one moment; seconds are CPU time of all cores since its start."""

    at: float
    load1: float
    work_seconds: float
    steal_seconds: float
    own_seconds: float
    """CPU time of this process and of its ended children."""
    megahertz: float | None
    most_megahertz: float | None
    celsius: float | None
    throttled: int | None
    """Bits of the Raspberry Pi firmware; None on other machines."""


def conditions() -> Conditions:
    """Read the present state of the machine."""
    times, own, frequency = psutil.cpu_times(), os.times(), psutil.cpu_freq()
    sensors = psutil.sensors_temperatures()
    return Conditions(
        at=time.monotonic(),
        load1=psutil.getloadavg()[0],
        work_seconds=sum(getattr(times, mode) for mode in times._fields if mode not in _NOT_WORKING),
        steal_seconds=getattr(times, "steal", 0.0),
        own_seconds=own.user + own.system + own.children_user + own.children_system,
        megahertz=frequency.current if frequency else None,
        most_megahertz=frequency.max or None if frequency else None,
        celsius=max((sensor.current for chip in sensors.values() for sensor in chip), default=None),
        throttled=throttled_bits(),
    )


@dataclass(frozen=True)
class Meanwhile:
    """Change of the machine's state during a measurement. Measured children must have ended before the second moment.

    Args:
        before: The state before the first measurement.
        after: The state after the last.
    """

    before: Conditions
    after: Conditions

    @property
    def steal_ratio(self) -> float:
        """Share of the cores' time that the hypervisor gave to other machines."""
        return (self.after.steal_seconds - self.before.steal_seconds) / self._core_seconds

    @property
    def others_ratio(self) -> float:
        """Share of the cores' time that other processes and the kernel used."""
        work = self.after.work_seconds - self.before.work_seconds
        own = self.after.own_seconds - self.before.own_seconds
        return max(0.0, work - own) / self._core_seconds

    @property
    def _core_seconds(self) -> float:
        return max(1e-3, self.after.at - self.before.at) * (psutil.cpu_count() or 1)

    def warnings(self) -> list[str]:
        """Return the reasons why the results may be wrong, one sentence each."""
        return [*self._throttling(), *self._heat(), *self._frequency(), *self._other_load()]

    def as_json(self) -> dict[str, Any]:
        """Both states and the ratios between them."""
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
        return [f"the machine was throttled ({named}): the results are not representative"] if reasons else []

    def _heat(self) -> list[str]:
        hottest = max(moment.celsius or 0.0 for moment in (self.before, self.after))
        return (
            [f"the machine is hot ({hottest:.0f} °C): it may have reduced its clock frequency"]
            if hottest >= _HOT_CELSIUS
            else []
        )

    def _frequency(self) -> list[str]:
        now, most = self.after.megahertz, self.after.most_megahertz
        if now and most and now < _MIN_FREQUENCY_RATIO * most:
            return [f"the cores run at {now:.0f} MHz of {most:.0f}: limited by the governor or by heat"]
        return []

    def _other_load(self) -> list[str]:
        found = []
        if self.before.load1 > _MAX_LOAD_PER_CORE * available_cores():
            found.append(f"the machine was busy before the start (load average {self.before.load1:.2f})")
        if self.others_ratio > _MAX_OTHERS_RATIO:
            found.append(f"other processes used {self.others_ratio:.0%} of the cores: trust CPU time, not wall time")
        if self.steal_ratio > _MAX_STEAL_RATIO:
            found.append(f"the hypervisor gave {self.steal_ratio:.1%} of the cores away: trust CPU time, not wall time")
        return found
