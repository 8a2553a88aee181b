from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from prometheus_client import CollectorRegistry

from stream.telemetry import resources
from stream.telemetry.resources import ResourceCollector, throttled_bits


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(ResourceCollector())
    return registry


@pytest.fixture
def throttled_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The firmware's file; not there until a test writes it."""
    path = tmp_path / "get_throttled"
    monkeypatch.setattr(resources, "_THROTTLED_FILE", path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return path


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


def test_without_a_known_frequency_none_is_told(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.cpu_freq", lambda: None)
    assert registry.get_sample_value("starling_system_cpu_frequency_hertz") is None


def test_of_a_chips_sensors_the_hottest_is_told(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_throttled_bits_are_asked_of_vcgencmd_where_there_is_no_file(throttled_file: Path) -> None:
    make_command(throttled_file, '[ "$1" = get_throttled ] && echo throttled=0x50004')
    assert throttled_bits() == 0x50004


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "echo"])
def test_a_vcgencmd_that_cannot_tell_is_as_none(throttled_file: Path, script: str) -> None:
    make_command(throttled_file, script)
    assert throttled_bits() is None


def make_command(throttled_file: Path, script: str) -> None:
    command = throttled_file.parent / "vcgencmd"
    command.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    command.chmod(0o755)


def test_each_present_reason_to_hold_back_is_told(registry: CollectorRegistry, throttled_file: Path) -> None:
    throttled_file.write_text("50005", encoding="ascii")
    reasons = ("under_voltage", "frequency_capped", "throttled", "soft_temperature_limit")
    assert [value(registry, "starling_system_throttled", reason=reason) for reason in reasons] == [1, 0, 1, 0]


def test_what_held_back_in_the_past_is_not_told_as_present(registry: CollectorRegistry, throttled_file: Path) -> None:
    throttled_file.write_text("f0000", encoding="ascii")
    assert value(registry, "starling_system_throttled", reason="under_voltage") == 0


@pytest.mark.usefixtures("throttled_file")
def test_a_machine_that_is_no_raspberry_pi_tells_nothing_of_throttling(registry: CollectorRegistry) -> None:
    assert throttled_bits() is None
    assert "starling_system_throttled" not in {family.name for family in registry.collect()}
