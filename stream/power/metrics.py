"""The energy figures for Prometheus, read when it asks; each says by the label `source` where it comes from."""

import math
from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream.power.frames import Rejection
from stream.power.monitor import PowerMonitor
from stream.power.reading import Estimate

_ENERGY = ("starling_energy_joules", "Energy drawn, over the time that it was measured.")
_ENERGY_ERROR = ("starling_energy_standard_error_joules", "Standard error of the energy drawn.")


class PowerCollector(Collector):
    """The metrics of a monitor.

    Args:
        monitor: Whose.
    """

    def __init__(self, monitor: PowerMonitor) -> None:
        self._monitor = monitor
        self._source = monitor.source_name
        self._highest_joules = 0.0

    def collect(self) -> Iterable[Metric]:
        """Give the present figures. What is not known now is left out."""
        yield from self._energy()
        yield from self._present()
        yield from self._per_tweet()
        if self._source.startswith("acs712"):
            yield from self._line()

    def _energy(self) -> Iterable[Metric]:
        monitor = self._monitor
        joules = monitor.energy.joules
        # Noise about nothing can take the sum down a little, and a counter that falls reads as a restart.
        self._highest_joules = max(self._highest_joules, joules.value)
        yield self._counter(*_ENERGY, self._highest_joules)
        yield from self._error(*_ENERGY_ERROR, joules)
        yield self._counter(
            "starling_energy_measured_seconds", "Time over which it was measured.", monitor.energy.measured_seconds
        )
        yield self._counter(
            "starling_energy_gap_seconds", "Time since the first reading without one.", monitor.gap_seconds
        )

    def _present(self) -> Iterable[Metric]:
        monitor, latest = self._monitor, self._monitor.latest
        yield self._gauge("starling_power_meter_up", "1 while the source gives readings, else 0.", latest is not None)
        yield self._gauge(
            "starling_power_below_zero", "1 while the current reads less than nothing.", monitor.zero.below_zero
        )
        if latest:
            yield from self._estimate("watts", "Power drawn.", latest.watts)
            yield from self._estimate("volts", "Supply voltage, measured or stated.", latest.volts)
            yield from self._estimate("amperes", "Current drawn.", latest.amperes)
        idle = monitor.per_tweet.idle
        yield from self._estimate("idle_watts", "Power drawn with no tweet in hand.", idle.watts)
        if idle.drift_watts is not None:
            yield self._gauge(
                "starling_power_idle_drift_watts", "Idle power now less that of the first minute.", idle.drift_watts
            )

    def _per_tweet(self) -> Iterable[Metric]:
        joules = self._monitor.per_tweet.joules()
        shares = {"all": joules.all_energy, "above_idle": joules.above_idle}
        value = GaugeMetricFamily(
            "starling_energy_joules_per_tweet",
            "Energy a tweet, over the last minute or what the settings say.",
            labels=["source", "share"],
        )
        error = GaugeMetricFamily(
            "starling_energy_joules_per_tweet_standard_error", "Its standard error.", labels=["source", "share"]
        )
        for share, estimate in shares.items():
            if estimate is not None:
                value.add_metric([self._source, share], estimate.value)
                if not math.isnan(estimate.standard_error):
                    error.add_metric([self._source, share], estimate.standard_error)
        yield value
        yield error

    def _line(self) -> Iterable[Metric]:
        health = self._monitor.health
        yield self._counter("starling_power_frames", "Frames read from the meter.", health.frames)
        yield self._counter("starling_power_frames_lost", "Frames that never came.", health.lost)
        yield self._counter("starling_power_meter_connections", "Times the meter was connected.", health.connections)
        rejected = CounterMetricFamily(
            "starling_power_frames_rejected", "Lines that could not be read.", labels=["source", "reason"]
        )
        for reason in Rejection:
            rejected.add_metric([self._source, reason], health.rejected[reason])
        yield rejected

    def _estimate(self, quantity: str, help_text: str, estimate: Estimate | None) -> Iterable[Metric]:
        if estimate is not None:
            yield self._gauge(f"starling_power_{quantity}", help_text, estimate.value)
            yield from self._error(
                f"starling_power_standard_error_{quantity}", f"Standard error: {help_text}", estimate
            )

    def _error(self, name: str, help_text: str, estimate: Estimate) -> Iterable[Metric]:
        if not math.isnan(estimate.standard_error):
            yield self._gauge(name, help_text, estimate.standard_error)

    def _gauge(self, name: str, help_text: str, value: float) -> Metric:
        family = GaugeMetricFamily(name, help_text, labels=["source"])
        family.add_metric([self._source], value)
        return family

    def _counter(self, name: str, help_text: str, value: float) -> Metric:
        family = CounterMetricFamily(name, help_text, labels=["source"])
        family.add_metric([self._source], value)
        return family
