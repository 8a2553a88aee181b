"""Which source the settings choose, and what `starling check` says of it."""

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
    """Make the machine have these counters and no others."""

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
def test_a_machine_with_nothing_has_no_source() -> None:
    assert choose_source(PowerSettings()) is None


def test_a_port_goes_before_the_machines_own_counters(machine: Callable[..., None]) -> None:
    machine("rapl", "pmic")
    assert isinstance(choose_source(PowerSettings(port="/dev/ttyACM0")), SerialMeter)


def test_without_a_port_a_counter_is_found(machine: Callable[..., None]) -> None:
    machine("rapl")
    source = choose_source(PowerSettings())
    assert isinstance(source, MachineCounter)
    assert source.name == "rapl"


def test_none_means_none_whatever_is_there(machine: Callable[..., None]) -> None:
    machine("rapl")
    assert choose_source(PowerSettings(source="none", port="/dev/ttyACM0")) is None


@pytest.mark.usefixtures("machine")
def test_a_counter_that_is_wanted_and_not_there_is_named() -> None:
    with pytest.raises(MeterError, match=r"power\.source = 'rapl'"):
        choose_source(PowerSettings(source="rapl"))


def test_a_meter_without_a_port_is_asked_for() -> None:
    with pytest.raises(MeterError, match=r"needs power\.port"):
        choose_source(PowerSettings(source="meter"))


@pytest.mark.parametrize(
    ("key", "value"), [("variant", 7), ("gain", 3), ("supply_volts", 0), ("bandgap_volts", 2), ("source", "solar")]
)
def test_a_setting_that_no_meter_can_have_is_named(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"power\.{key}"):
        load_settings(None, {"power": {key: value}})


@pytest.mark.usefixtures("machine")
async def test_check_says_that_nothing_is_measured() -> None:
    assert "energy is not measured" in await check_power(PowerSettings())


async def test_check_takes_a_reading_from_a_counter(machine: Callable[..., None]) -> None:
    machine("rapl")
    assert await check_power(PowerSettings()) == "rapl tells 5.00 W; its error is not known"


async def test_check_asks_the_meter_and_calls_a_simulated_one_so(simulator: Path) -> None:
    async with simulated_uno(simulator) as uno:
        says = await check_power(PowerSettings(port=uno.port))
    assert says == (
        f"{uno.port} is a SIMULATED meter, ACS712 5 A, not tared: up to 0.22 A off (`starling power calibrate`), "
        "supply 5.01 V"
    )


async def test_check_names_a_meter_that_is_not_there() -> None:
    with pytest.raises(MeterError, match="/dev/ttyACM99 is not there"):
        await check_power(PowerSettings(port="/dev/ttyACM99"))
