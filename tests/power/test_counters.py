"""The machine's own counters, from copies of their files."""

import asyncio
import os
import stat
from contextlib import aclosing
from pathlib import Path

import pytest

from stream.errors import MeterError
from stream.power import counters
from stream.power.counters import Hwmon, MachineCounter, Pmic, find_hwmon, find_rapl, rail_watts

PMIC_ANSWER = """\
   3V7_WL_SW_A current(0)=0.10000000A
    3V3_SYS_A current(1)=0.50000000A
     VDD_CORE_A current(7)=2.00000000A
   3V7_WL_SW_V volt(8)=3.70000000V
    3V3_SYS_V volt(9)=3.30000000V
     VDD_CORE_V volt(15)=0.90000000V
       EXT5V_V volt(24)=5.15000000V
        BATT_V volt(25)=0.00585400V
"""
PMIC_WATTS = 0.1 * 3.7 + 0.5 * 3.3 + 2.0 * 0.9


def write(folder: Path, **contents: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(f"{content}\n", encoding="ascii")
    return folder


def rapl_zone(sys: Path, number: int = 0, name: str = "package-0", microjoules: int = 0) -> Path:
    folder = sys / "class" / "powercap" / f"intel-rapl:{number}"
    return write(folder, name=name, energy_uj=microjoules, max_energy_range_uj=1000)


async def test_rapl_counts_joules(tmp_path: Path) -> None:
    zone = rapl_zone(tmp_path, microjoules=5_000_000)
    rapl = find_rapl(tmp_path)
    assert rapl is not None
    write(zone, energy_uj=7_500_000)
    assert await rapl.joules_since(1.0) == 2.5


async def test_rapl_handles_counter_overflow(tmp_path: Path) -> None:
    zone = rapl_zone(tmp_path, microjoules=900)
    rapl = find_rapl(tmp_path)
    assert rapl is not None
    write(zone, energy_uj=100)
    assert await rapl.joules_since(1.0) == pytest.approx(200e-6)


async def test_rapl_sums_only_the_packages(tmp_path: Path) -> None:
    zones = [rapl_zone(tmp_path, 0), rapl_zone(tmp_path, 1, "package-1"), rapl_zone(tmp_path, 2, "psys")]
    rapl = find_rapl(tmp_path)
    assert rapl is not None
    for zone in zones:
        write(zone, energy_uj=1_000_000)
    assert await rapl.joules_since(1.0) == 2.0


async def test_a_hwmon_supply_sensor_is_read_in_watts(tmp_path: Path) -> None:
    write(tmp_path / "class" / "hwmon" / "hwmon0", name="cpu_thermal", temp1_input=50_000)
    write(tmp_path / "class" / "hwmon" / "hwmon1", name="amdgpu", power1_input=90_000_000)
    write(tmp_path / "class" / "hwmon" / "hwmon2", name="ina226", power1_input=3_500_000)
    hwmon = find_hwmon(tmp_path)
    assert hwmon is not None
    assert await hwmon.joules_since(2.0) == 7.0


def test_a_machine_without_counters_has_no_source(tmp_path: Path) -> None:
    assert find_rapl(tmp_path) is None
    assert find_hwmon(tmp_path) is None


def test_the_pmic_power_is_the_sum_over_rails_with_volts_and_amperes() -> None:
    assert rail_watts(PMIC_ANSWER) == pytest.approx(PMIC_WATTS)


def test_an_answer_without_rails_is_an_error() -> None:
    with pytest.raises(MeterError, match="reports no rail"):
        rail_watts('error=1 error_msg="Command not registered"\n')


@pytest.fixture
def vcgencmd(tmp_path: Path) -> Path:
    command = tmp_path / "vcgencmd"
    (tmp_path / "answer").write_text(PMIC_ANSWER, encoding="ascii")
    command.write_text(f'#!/bin/sh\n[ "$1" = pmic_read_adc ] && cat {tmp_path}/answer\n', encoding="ascii")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return command


async def test_the_pmic_is_read_with_vcgencmd(vcgencmd: Path) -> None:
    assert await Pmic(str(vcgencmd)).joules_since(2.0) == pytest.approx(2 * PMIC_WATTS)


async def test_a_missing_vcgencmd_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MeterError, match="vcgencmd: No such file"):
        await Pmic(str(tmp_path / "vcgencmd")).joules_since(1.0)


async def test_power_is_energy_over_elapsed_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "POLL_SECONDS", 0.0)
    zone = rapl_zone(tmp_path)
    rapl = find_rapl(tmp_path)
    assert rapl is not None
    times = iter((10.0, 14.0))
    async with aclosing(MachineCounter(rapl, clock=lambda: next(times)).readings()) as readings:
        reading = asyncio.ensure_future(anext(readings))
        await asyncio.sleep(0)
        write(zone, energy_uj=2_000_000)
        measured = await reading
    assert (measured.seconds, measured.watts.value) == (4.0, 0.5)
    assert measured.amperes is None


async def test_the_event_loop_runs_while_a_sensor_is_slow_to_answer(tmp_path: Path) -> None:
    slow = tmp_path / "power1_input"
    os.mkfifo(slow)  # a read waits until something is written
    reading = asyncio.create_task(Hwmon([slow]).joules_since(2.0))
    await asyncio.sleep(0)
    assert not reading.done()
    await asyncio.to_thread(slow.write_text, "5000000\n", encoding="ascii")
    assert await reading == 10.0
