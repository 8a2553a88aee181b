"""Energy metrics for Prometheus, collected on each scrape; the label `source` names the source."""

import math
from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream.power.frames import Rejection
from stream.power.monitor import PowerMonitor
from stream.power.reading import Estimate

_ENERGY = ("starling_energy_joules", "Energy consumed over the measured time.")
_ENERGY_ERROR = ("starling_energy_standard_error_joules", "Standard error of the energy.")


class PowerCollector(Collector):
    """Metrics of a power monitor.

    Args:
        monitor: The monitor.
    """

    def __init__(self, monitor: PowerMonitor) -> None:
        self._monitor = monitor
        self._source = monitor.source_name
        self._highest_joules = 0.0

    def collect(self) -> Iterable[Metric]:
        """Yield the present values without unknown ones."""
        yield from self._energy()
        yield from self._present()
        yield from self._per_tweet()
        if self._source.startswith("acs712"):
            yield from self._line()

    def _energy(self) -> Iterable[Metric]:
        monitor = self._monitor
        joules = monitor.energy.joules
        # Noise around zero can decrease the sum a little, and Prometheus takes a decreasing counter for a restart.
        self._highest_joules = max(self._highest_joules, joules.value)
        yield self._counter(*_ENERGY, self._highest_joules)
        yield from self._error(*_ENERGY_ERROR, joules)
        yield self._counter(
            "starling_energy_measured_seconds", "Time over which energy was measured.", monitor.energy.measured_seconds
        )
        yield self._counter(
            "starling_energy_gap_seconds", "Time since the first reading without a measurement.", monitor.gap_seconds
        )

    def _present(self) -> Iterable[Metric]:
        monitor, latest = self._monitor, self._monitor.latest
        yield self._gauge("starling_power_meter_up", "1 while the source gives readings, else 0.", latest is not None)
        yield self._gauge(
            "starling_power_below_zero", "1 while the measured current is below zero, else 0.", monitor.zero.below_zero
        )
        if latest:
            yield from self._estimate("watts", "Power consumption.", latest.watts)
            yield from self._estimate("volts", "Supply voltage, measured or set.", latest.volts)
            yield from self._estimate("amperes", "Current.", latest.amperes)
        idle = monitor.per_tweet.idle
        yield from self._estimate("idle_watts", "Power consumption without a tweet in progress.", idle.watts)
        if idle.drift_watts is not None:
            yield self._gauge(
                "starling_power_idle_drift_watts", "Change of idle power since the first idle minute.", idle.drift_watts
            )

    def _per_tweet(self) -> Iterable[Metric]:
        joules = self._monitor.per_tweet.joules()
        shares = {"all": joules.all_energy, "above_idle": joules.above_idle}
        value = GaugeMetricFamily(
            "starling_energy_joules_per_tweet",
            "Energy per tweet over power.window_seconds.",
            labels=["source", "share"],
        )
        error = GaugeMetricFamily(
            "starling_energy_joules_per_tweet_standard_error",
            "Standard error of the energy per tweet.",
            labels=["source", "share"],
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
        yield self._counter("starling_power_frames_lost", "Frames that were not received.", health.lost)
        yield self._counter("starling_power_meter_connections", "Connections to the meter.", health.connections)
        rejected = CounterMetricFamily(
            "starling_power_frames_rejected", "Lines that were invalid.", labels=["source", "reason"]
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
