"""Accumulation of a source's readings, and their export to Prometheus and MQTT."""

import math
from collections.abc import AsyncGenerator, Callable

import orjson
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from stream.errors import MeterError
from stream.power.current import Calibration
from stream.power.frames import Rejection
from stream.power.meter import SerialMeter
from stream.power.metrics import PowerCollector
from stream.power.monitor import PowerMonitor
from stream.power.per_tweet import Work
from stream.power.reading import Estimate, Reading
from stream.power.service import work_done
from stream.power.words import energy_words
from stream.telemetry.metrics import Metrics
from tests.power.examples import Recorded, reading

WATTS = Estimate(5.0, noise=0.3, offset=0.4)
METERED = Reading(1.0, WATTS, Estimate(5.0, scale=0.1), Estimate(1.0, noise=0.06, offset=0.08))


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def monitor(*readings: Reading, name: str = "acs712", clock: Clock | None = None) -> PowerMonitor:
    source = SerialMeter("/dev/ttyACM0", Calibration()) if name == "acs712" else Recorded(())
    made = PowerMonitor(source, Work, 60, clock or Clock())
    for one in readings:
        made.add(one)
    return made


def exported(of: PowerMonitor) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(PowerCollector(of))
    return registry


async def test_readings_are_added_until_the_source_ends() -> None:
    account = PowerMonitor(Recorded([reading(2.0), reading(3.0)]), Work, 60)
    await account.run()
    assert account.energy.joules.value == 5.0


async def test_a_failed_source_is_logged_and_no_longer_read(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Recorded):
        async def readings(self) -> AsyncGenerator[Reading]:
            yield reading(2.0)
            raise MeterError("energy_uj cannot be read")

    account = PowerMonitor(Failing(()), Work, 60)
    await account.run()
    assert "energy_uj cannot be read" in caplog.text
    assert not account.health.up


def test_energy_is_a_counter_of_joules_with_its_source_and_error() -> None:
    registry = exported(monitor(METERED, METERED))
    labels = {"source": "acs712"}
    assert registry.get_sample_value("starling_energy_joules_total", labels) == 10.0
    error = registry.get_sample_value("starling_energy_standard_error_joules", labels)
    assert error == pytest.approx(math.hypot(0.3 * math.sqrt(2), 0.8))


@pytest.mark.parametrize(("name", "value"), [("watts", 5.0), ("volts", 5.0), ("amperes", 1.0)])
def test_present_values_are_gauges(name: str, value: float) -> None:
    assert exported(monitor(METERED)).get_sample_value(f"starling_power_{name}", {"source": "acs712"}) == value


def test_an_outdated_reading_is_not_exported_and_the_meter_is_down() -> None:
    clock = Clock()
    registry = exported(monitor(METERED, clock=clock))
    assert registry.get_sample_value("starling_power_meter_up", {"source": "acs712"}) == 1
    clock.seconds += 10
    assert registry.get_sample_value("starling_power_meter_up", {"source": "acs712"}) == 0
    assert registry.get_sample_value("starling_power_watts", {"source": "acs712"}) is None


def test_the_gap_grows_while_the_meter_is_disconnected() -> None:
    clock = Clock()
    account = monitor(METERED, clock=clock)
    clock.seconds += 10
    assert account.gap_seconds == 10
    account.add(Reading(1.0, WATTS, gap_seconds=12.0))
    assert account.gap_seconds == 12


def test_the_energy_counter_never_decreases() -> None:
    account = monitor(Reading(1.0, Estimate(1.0)))
    registry = exported(account)
    assert registry.get_sample_value("starling_energy_joules_total", {"source": "acs712"}) == 1.0
    account.add(Reading(1.0, Estimate(-0.5)))
    assert registry.get_sample_value("starling_energy_joules_total", {"source": "acs712"}) == 1.0


@pytest.mark.parametrize("reason", Rejection)
def test_every_rejection_reason_is_exported_from_the_start(reason: Rejection) -> None:
    labels = {"source": "acs712", "reason": reason.value}
    assert exported(monitor()).get_sample_value("starling_power_frames_rejected_total", labels) == 0


def test_a_machine_counter_exports_no_frames_and_no_error() -> None:
    text = generate_latest(exported(monitor(Reading(1.0, Estimate(5.0, math.nan)), name="rapl"))).decode()
    assert 'starling_energy_joules_total{source="recorded"} 5.0' in text
    assert "frames" not in text
    assert "standard_error_joules" not in text


def test_energy_per_tweet_is_exported_in_both_shares() -> None:
    account = PowerMonitor(Recorded(()), works(), 60, Clock())
    for watts in (3.0, 3.0, 3.0, 3.0, 5.0, 5.0):
        account.add(reading(watts))
    registry = exported(account)
    name = "starling_energy_joules_per_tweet"
    assert registry.get_sample_value(name, {"source": "recorded", "share": "all"}) == pytest.approx(22 / 4)
    assert registry.get_sample_value(name, {"source": "recorded", "share": "above_idle"}) == pytest.approx(4 / 4)


def works() -> Callable[[], Work]:
    """Return a monitor after four idle readings and two with two labelled tweets each."""
    done = iter([Work()] * 4 + [Work(3, 2, 1), Work(5, 4, 1)])
    return lambda: next(done)


def test_the_summary_is_json_with_null_for_unknown_values() -> None:
    summary = orjson.loads(orjson.dumps(monitor(METERED).summary()))
    assert summary["watts"] == {"value": 5.0, "standard_error": 0.5}
    assert summary["joules_per_tweet"] == {"tweets": 0, "all": None, "above_idle": None}


def test_an_unknown_error_is_null() -> None:
    assert monitor(Reading(1.0, Estimate(5.0, math.nan))).summary()["watts"] == {"value": 5.0, "standard_error": None}


def test_the_energy_text_names_the_source() -> None:
    assert energy_words(monitor(METERED).summary()) == "5 ± 0.5 W, 5 ± 0.5 J in total (acs712)"


def test_the_energy_text_marks_a_simulated_meter() -> None:
    summary = monitor(METERED).summary()
    summary["source"] = "acs712-simulated"
    assert energy_words(summary).endswith("(SIMULATED acs712, not measured)")


def test_work_is_read_from_the_service_metrics() -> None:
    metrics = Metrics()
    metrics.received.inc(5)
    metrics.classified.labels("positive").inc(2)
    metrics.classified.labels("negative").inc()
    metrics.in_progress.inc()
    assert work_done(metrics) == Work(received=5, labelled=3, in_progress=1)
