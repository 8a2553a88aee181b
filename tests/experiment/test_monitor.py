import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.experiment.monitor import COLUMNS, TICKS_PER_SECOND, Number, Sampler, line, parse

MONITOR = [sys.executable, "-m", "stream.experiment.monitor"]


def sample(sampler: Sampler) -> dict[str, Any]:
    return dict(zip(COLUMNS, sampler.sample(), strict=True))


def proc_available_bytes() -> int:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(1024 * int(row.split()[1]) for row in lines if row.startswith("MemAvailable:"))


def psutil_busy_seconds() -> float:
    times = psutil.cpu_times()
    return sum((times.user, times.nice, times.system, times.irq, times.softirq, times.steal))


def spin(seconds: float) -> None:
    """Use this much CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_busy_time_equals_that_of_psutil() -> None:
    before = psutil_busy_seconds()
    busy = sample(Sampler())["cpu_busy_ticks"] / TICKS_PER_SECOND
    assert before - 0.1 <= busy <= psutil_busy_seconds() + 0.1


def test_total_time_equals_the_sum_of_the_modes_of_psutil() -> None:
    times = psutil.cpu_times()
    total = sum(times) - times.guest - times.guest_nice
    assert sample(Sampler())["cpu_ticks"] / TICKS_PER_SECOND == pytest.approx(total, abs=1.0)


def test_available_memory_equals_that_of_the_kernel_and_of_psutil() -> None:
    available = sample(Sampler())["memory_available_bytes"]
    assert available == pytest.approx(proc_available_bytes(), rel=0.05)
    assert available == pytest.approx(psutil.virtual_memory().available, rel=0.05)


def test_cpu_time_of_a_process_grows_as_in_psutil() -> None:
    sampler, process = Sampler(), psutil.Process()
    sampler.watch(os.getpid())
    first, before = sample(sampler)["process_ticks"], process.cpu_times()
    spin(0.3)
    second, after = sample(sampler)["process_ticks"], process.cpu_times()
    by_psutil = after.user + after.system - before.user - before.system
    assert (second - first) / TICKS_PER_SECOND == pytest.approx(by_psutil, abs=0.03)
    assert by_psutil >= 0.25


def test_memory_of_a_process_equals_that_of_psutil() -> None:
    sampler = Sampler()
    sampler.watch(os.getpid())
    assert sample(sampler)["process_resident_bytes"] == pytest.approx(psutil.Process().memory_info().rss, rel=0.05)


def test_process_columns_are_empty_without_a_process() -> None:
    numbers = sample(Sampler())
    assert (numbers["process_ticks"], numbers["process_resident_bytes"]) == (None, None)


def test_process_columns_are_empty_after_the_process_ended() -> None:
    sampler = Sampler()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        sampler.watch(process.pid)
        assert sample(sampler)["process_resident_bytes"] > 0
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
    assert sample(sampler)["process_ticks"] is None


def test_temperature_frequency_and_throttling_are_read_from_the_kernel(tmp_path: Path) -> None:
    zone = tmp_path / "class/thermal/thermal_zone1"
    other = tmp_path / "class/thermal/thermal_zone0"
    policy = tmp_path / "devices/system/cpu/cpufreq/policy0"
    firmware = tmp_path / "devices/platform/soc/soc:firmware"
    for folder in (zone, other, policy, firmware):
        folder.mkdir(parents=True)
    (zone / "type").write_text("cpu-thermal\n")
    (zone / "temp").write_text("61318\n")
    (other / "type").write_text("wifi\n")
    (other / "temp").write_text("1000\n")
    (policy / "scaling_cur_freq").write_text("1800000\n")
    (firmware / "get_throttled").write_text("50005\n")
    numbers = sample(Sampler(tmp_path))
    assert (numbers["celsius"], numbers["hertz"], numbers["throttled_bits"]) == (61.318, 1.8e9, 0x50005)


def test_columns_of_missing_sensors_are_empty(tmp_path: Path) -> None:
    numbers = sample(Sampler(tmp_path))
    assert (numbers["celsius"], numbers["hertz"], numbers["throttled_bits"]) == (None, None, None)


def test_a_sample_costs_little_itself() -> None:
    sampler = Sampler()
    sampler.watch(os.getpid())
    line(sampler.sample())
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        line(sampler.sample())
    finally:
        sys.setprofile(None)
    assert 10 < calls < 100  # ten samples a second cost a thousandth of a core


@given(st.lists(st.none() | st.integers(0, 2**60) | st.floats(0, 1e12), min_size=1))
def test_a_formatted_sample_is_parsed_to_the_same_values(numbers: list[Number]) -> None:
    if numbers != [None]:
        assert list(parse([line(numbers)])) == [tuple(numbers)]


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=2), st.integers(0, 20))
def test_an_incomplete_last_line_is_left_out(numbers: list[int], kept: int) -> None:
    whole = line(numbers)
    assert list(parse([whole, whole[:-1][:kept]])) == [tuple(numbers)]


def test_the_monitor_samples_the_process_on_stdin_and_ends_with_stdin() -> None:
    with subprocess.Popen([*MONITOR, "100"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as monitor:
        assert monitor.stdin is not None
        assert monitor.stdout is not None
        first = monitor.stdout.readline()
        monitor.stdin.write(f"{os.getpid()}\n".encode())
        monitor.stdin.flush()
        numbers: dict[str, Any] = {"process_ticks": None}
        while numbers["process_ticks"] is None:
            numbers = dict(zip(COLUMNS, next(parse(monitor.stdout)), strict=True))
        monitor.stdin.close()
        monitor.stdout.read()
    assert monitor.returncode == 0
    assert dict(zip(COLUMNS, next(parse([first])), strict=True))["process_ticks"] is None
    assert numbers["process_resident_bytes"] > 1_000_000
