"""Selection of the source by the settings, and its check by `starling check`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stream.errors import MeterError, SettingsError
from stream.power.check import check_power
from stream.power.counters import FINDERS, Gauge, MachineCounter
from stream.power.meter import SerialMeter
from stream.power.simulator import simulated_uno
from stream.power.source import choose_source
from stream.settings import PowerSettings, load_settings


class FiveWatts:
    name = "rapl"

    async def joules_since(self, seconds: float) -> float:
        return 5.0 * seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace the machine's counters."""

    def found() -> Gauge:
        return FiveWatts()

    def missing() -> None:
        return None

    def has(*names: str) -> None:
        for name in FINDERS:
            monkeypatch.setitem(FINDERS, name, found if name in names else missing)

    has()
    return has


@pytest.mark.usefixtures("machine")
def test_a_machine_without_counters_and_port_has_no_source() -> None:
    assert choose_source(PowerSettings()) is None


def test_a_port_is_preferred_to_machine_counters(machine: Callable[..., None]) -> None:
    machine("rapl", "pmic")
    assert isinstance(choose_source(PowerSettings(port="/dev/ttyACM0")), SerialMeter)


def test_without_a_port_a_counter_is_found(machine: Callable[..., None]) -> None:
    machine("rapl")
    source = choose_source(PowerSettings())
    assert isinstance(source, MachineCounter)
    assert source.name == "rapl"


def test_source_none_ignores_existing_counters(machine: Callable[..., None]) -> None:
    machine("rapl")
    assert choose_source(PowerSettings(source="none", port="/dev/ttyACM0")) is None


@pytest.mark.usefixtures("machine")
def test_a_missing_counter_is_reported() -> None:
    with pytest.raises(MeterError, match=r"power\.source = 'rapl'"):
        choose_source(PowerSettings(source="rapl"))


def test_a_meter_without_a_port_is_an_error() -> None:
    with pytest.raises(MeterError, match=r"needs power\.port"):
        choose_source(PowerSettings(source="meter"))


@pytest.mark.parametrize(
    ("key", "value"), [("variant", 7), ("gain", 3), ("supply_volts", 0), ("bandgap_volts", 2), ("source", "solar")]
)
def test_an_invalid_power_setting_is_reported(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"power\.{key}"):
        load_settings(None, {"power": {key: value}})


@pytest.mark.usefixtures("machine")
async def test_check_reports_that_energy_is_not_measured() -> None:
    assert "energy is not measured" in await check_power(PowerSettings())


async def test_check_reads_a_counter_once(machine: Callable[..., None]) -> None:
    machine("rapl")
    assert await check_power(PowerSettings()) == "rapl reads 5.00 W; its error is unknown"


async def test_check_describes_the_meter_and_marks_a_simulated_one(simulator: Path) -> None:
    async with simulated_uno(simulator) as uno:
        says = await check_power(PowerSettings(port=uno.port))
    assert says == (
        f"{uno.port} is a SIMULATED meter, ACS712 5 A, not tared: error of up to 0.22 A "
        "(run `starling power calibrate`), "
        "supply 5.01 V"
    )


async def test_check_reports_a_missing_meter() -> None:
    with pytest.raises(MeterError, match="/dev/ttyACM99 does not exist"):
        await check_power(PowerSettings(port="/dev/ttyACM99"))
