import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from prometheus_client import CollectorRegistry, Metric

from stream.telemetry import resources
from stream.telemetry.resources import ResourceCollector, throttled_bits


class ReadingRegistry(CollectorRegistry):
    """A registry of a collector that reads before each answer."""

    def __init__(self) -> None:
        super().__init__()
        self.collector = ResourceCollector()
        self.register(self.collector)

    def collect(self) -> Iterator[Metric]:
        self.collector.read()
        yield from super().collect()

    def get_sample_value(self, name: str, labels: dict[str, str] | None = None) -> float | None:
        self.collector.read()
        return super().get_sample_value(name, labels)


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry that reads before each value."""
    return ReadingRegistry()


@pytest.fixture
def throttled_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The firmware's file of a Raspberry Pi 4; it does not exist until a test writes it."""
    folder = tmp_path / "soc" / "soc:firmware"
    folder.mkdir(parents=True)
    monkeypatch.setattr(resources, "_PLATFORM", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return folder / "get_throttled"


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    found = registry.get_sample_value(name, labels)
    assert found is not None, name
    return found


def proc_memory_bytes(key: str) -> int:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def test_memory_is_what_the_kernel_says(registry: CollectorRegistry) -> None:
    total = value(registry, "starling_system_memory_bytes", state="total")
    assert total == proc_memory_bytes("MemTotal")
    assert 0 < value(registry, "starling_system_memory_bytes", state="available") <= total


@pytest.mark.parametrize("mode", ["user", "system"])
def test_cpu_seconds_are_what_psutil_says(registry: CollectorRegistry, mode: str) -> None:
    before = getattr(psutil.cpu_times(), mode)
    seconds = value(registry, "starling_system_cpu_seconds_total", mode=mode)
    assert before <= seconds <= getattr(psutil.cpu_times(), mode)


def test_cpu_seconds_have_every_mode(registry: CollectorRegistry) -> None:
    for mode in ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"):
        assert value(registry, "starling_system_cpu_seconds_total", mode=mode) >= 0


def test_the_load_is_what_psutil_says(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.getloadavg", lambda: (0.75, 0.5, 0.25))
    assert value(registry, "starling_system_load1") == 0.75


def test_the_frequency_is_in_hertz(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.cpu_freq", lambda: SimpleNamespace(current=1500.0))
    assert value(registry, "starling_system_cpu_frequency_hertz") == 1.5e9


def test_an_unknown_frequency_is_not_exported(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.cpu_freq", lambda: None)
    assert registry.get_sample_value("starling_system_cpu_frequency_hertz") is None


def test_a_chip_has_the_highest_temperature_of_its_sensors(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensors = {
        "cpu_thermal": [SimpleNamespace(current=48.5)],
        "nvme": [SimpleNamespace(current=40.0), SimpleNamespace(current=51.0)],
    }
    monkeypatch.setattr("psutil.sensors_temperatures", lambda: sensors)
    assert value(registry, "starling_system_temperature_celsius", sensor="cpu_thermal") == 48.5
    assert value(registry, "starling_system_temperature_celsius", sensor="nvme") == 51.0


@pytest.mark.parametrize(("content", "bits"), [("0\n", 0), ("50005\n", 0x50005), ("0x5", 5)])
def test_throttled_bits_are_read_from_the_firmwares_file(throttled_file: Path, content: str, bits: int) -> None:
    throttled_file.write_text(content, encoding="ascii")
    assert throttled_bits() == bits


def test_throttled_bits_are_found_where_a_raspberry_pi_5_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "soc@107c000000" / "soc@107c000000:firmware"
    folder.mkdir(parents=True)
    (folder / "get_throttled").write_text("50005\n", encoding="ascii")
    monkeypatch.setattr(resources, "_PLATFORM", tmp_path)
    assert throttled_bits() == 0x50005


def test_throttled_bits_are_asked_of_vcgencmd_where_there_is_no_file(throttled_file: Path) -> None:
    make_command(throttled_file, '[ "$1" = get_throttled ] && echo throttled=0x50004')
    assert throttled_bits() == 0x50004


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "echo"])
def test_a_failing_vcgencmd_gives_none(throttled_file: Path, script: str) -> None:
    make_command(throttled_file, script)
    assert throttled_bits() is None


def make_command(throttled_file: Path, script: str) -> None:
    command = throttled_file.parents[2] / "vcgencmd"
    command.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    command.chmod(0o755)


def test_each_current_reason_for_throttling_is_exported(registry: CollectorRegistry, throttled_file: Path) -> None:
    throttled_file.write_text("50005", encoding="ascii")
    reasons = ("under_voltage", "frequency_capped", "throttled", "soft_temperature_limit")
    assert [value(registry, "starling_system_throttled", reason=reason) for reason in reasons] == [1, 0, 1, 0]


def test_past_reasons_for_throttling_are_not_exported_as_current(
    registry: CollectorRegistry, throttled_file: Path
) -> None:
    throttled_file.write_text("f0000", encoding="ascii")
    assert value(registry, "starling_system_throttled", reason="under_voltage") == 0


@pytest.mark.usefixtures("throttled_file")
def test_a_machine_other_than_a_raspberry_pi_exports_no_throttling(registry: CollectorRegistry) -> None:
    assert throttled_bits() is None
    assert "starling_system_throttled" not in {family.name for family in registry.collect()}


def test_the_disk_is_the_root_file_system(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"/": SimpleNamespace(total=32e9, used=20e9, free=10e9)}
    monkeypatch.setattr("psutil.disk_usage", lambda path: sizes[path])
    assert value(registry, "starling_system_disk_bytes", state="total") == 32e9
    assert value(registry, "starling_system_disk_bytes", state="available") == 10e9


WIRELESS = """\
Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
"""


@pytest.fixture
def wireless_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kernel's file of wireless interfaces; it does not exist until a test writes it."""
    file = tmp_path / "wireless"
    monkeypatch.setattr(resources, "_WIRELESS_FILE", file)
    return file


def test_each_wireless_interface_has_its_signal_level(registry: CollectorRegistry, wireless_file: Path) -> None:
    lines = [
        " wlan0: 0000   54.  -56.  -256        0      0      0      0    237        0",
        "wlp1s0f0: 0000   30.  -80  -256        0      0      0      0    0        0",
    ]
    wireless_file.write_text(WIRELESS + "\n".join(lines) + "\n", encoding="ascii")
    assert value(registry, "starling_system_wifi_signal_dbm", interface="wlan0") == -56
    assert value(registry, "starling_system_wifi_signal_dbm", interface="wlp1s0f0") == -80


@pytest.mark.parametrize("lines", ["", " wlan0: 0000    0     0     0        0      0      0      0      0        0\n"])
def test_an_interface_without_a_level_in_dbm_is_not_exported(
    registry: CollectorRegistry, wireless_file: Path, lines: str
) -> None:
    wireless_file.write_text(WIRELESS + lines, encoding="ascii")
    assert registry.get_sample_value("starling_system_wifi_signal_dbm", {"interface": "wlan0"}) is None


@pytest.mark.parametrize("content", [None, f"{WIRELESS}nonsense\n", f"{WIRELESS} wlan0: 0000 54.\n"])
def test_a_file_of_wireless_interfaces_that_cannot_be_read_leaves_out_no_other_value(
    registry: CollectorRegistry, wireless_file: Path, content: str | None
) -> None:
    if content is not None:
        wireless_file.write_text(content, encoding="ascii")
    names = {family.name for family in registry.collect()}
    assert "starling_system_wifi_signal_dbm" not in names
    assert "starling_system_memory_bytes" in names


@pytest.mark.parametrize("is_synchronized", [True, False])
def test_a_machine_with_timesyncd_reports_whether_its_clock_was_set(
    registry: CollectorRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_synchronized: bool
) -> None:
    monkeypatch.setattr(resources, "_TIME_SYNCHRONISATION", tmp_path)
    if is_synchronized:
        (tmp_path / "synchronized").touch()
    assert value(registry, "starling_system_clock_synchronized") == is_synchronized


def test_a_machine_without_timesyncd_does_not_report_whether_its_clock_was_set(
    registry: CollectorRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "_TIME_SYNCHRONISATION", tmp_path / "missing")
    assert registry.get_sample_value("starling_system_clock_synchronized") is None


def test_the_time_is_that_of_the_answer_and_not_that_of_the_last_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    collector, registry = ResourceCollector(), CollectorRegistry()
    registry.register(collector)
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    collector.read()
    monkeypatch.setattr(time, "time", lambda: 1060.0)
    assert registry.get_sample_value("starling_system_time_seconds") == 1060.0


@pytest.mark.parametrize(
    "error", [OSError("gone"), RuntimeError("no sensors"), ValueError("nonsense"), NotImplementedError(), KeyError("x")]
)
@pytest.mark.parametrize(
    "source", ["cpu_times", "virtual_memory", "disk_usage", "getloadavg", "cpu_freq", "sensors_temperatures"]
)
def test_a_value_that_cannot_be_read_leaves_out_no_other(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch, source: str, error: Exception
) -> None:
    every = {family.name for family in registry.collect()}

    def broken(*_: str) -> None:
        raise error

    monkeypatch.setattr(f"psutil.{source}", broken)
    assert len({family.name for family in registry.collect()}) == len(every) - 1


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """An event that a reading of the load waits for."""
    go = threading.Event()

    def load() -> tuple[float, float, float]:
        go.wait()
        return 0.75, 0.5, 0.25

    monkeypatch.setattr("psutil.getloadavg", load)
    yield go
    go.set()


def load_of(collector: ResourceCollector) -> float | None:
    registry = CollectorRegistry()
    registry.register(collector)
    return registry.get_sample_value("starling_system_load1")


async def test_the_event_loop_runs_while_values_are_read(slow: threading.Event) -> None:
    collector = ResourceCollector()
    refreshing = asyncio.create_task(collector.refresh())
    await asyncio.sleep(0)
    assert not refreshing.done()
    slow.set()
    await refreshing
    assert load_of(collector) == 0.75


async def test_a_scrape_does_not_wait_for_ever_and_no_second_reading_begins_beside_the_first(
    slow: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "_LONGEST_WAIT_SECONDS", 0.01)
    readings = 0
    read = ResourceCollector.read

    def counted(self: ResourceCollector) -> None:
        nonlocal readings
        readings += 1
        read(self)

    monkeypatch.setattr(ResourceCollector, "read", counted)
    collector = ResourceCollector()
    for _ in range(3):
        await collector.refresh()
    assert (readings, load_of(collector)) == (1, None)
    slow.set()
    monkeypatch.setattr(resources, "_LONGEST_WAIT_SECONDS", 60.0)
    await collector.refresh()
    assert load_of(collector) == 0.75
