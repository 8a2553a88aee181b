"""Calibration of zero, gain and reference, and writing to the settings file."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import InputError, MeterError
from stream.power.calibration import CalibrationResult, Measured, measure, take_tare
from stream.power.current import Calibration
from stream.power.link import open_meter
from stream.power.settings_file import write_power_settings
from stream.power.simulator import simulated_uno
from stream.settings import load_settings

MEASURED = Measured(amperes=1.0, volts=5.0, range_amperes=5)


async def test_the_tare_returns_zero_and_offset(simulator: Path) -> None:
    signals = {"offset": -0.02, "noise": 0.0035}
    async with simulated_uno(simulator, signals=signals, options=["--fast"]) as uno, open_meter(uno.port) as meter:
        tare = await take_tare(meter)
        assert tare.offset_amperes == pytest.approx(-0.02 / 0.185, abs=0.001)
        assert (await meter.identify()).zero == tare.zero


async def test_a_tare_under_load_is_refused(simulator: Path) -> None:
    signals = {"amperes": 1.0}
    async with simulated_uno(simulator, signals=signals, options=["--fast"]) as uno, open_meter(uno.port) as meter:
        with pytest.raises(MeterError, match="disconnect the load"):
            await take_tare(meter)


async def test_current_and_supply_are_averaged(simulator: Path) -> None:
    signals = {"amperes": 1.0, "noise": 0.0035, "bandgap": 1.05}
    async with simulated_uno(simulator, signals=signals, options=["--fast"]) as uno, open_meter(uno.port) as meter:
        measured = await measure(meter, Calibration(supply_volts=12.0), seconds=0.2)
    assert measured.amperes == pytest.approx(1.0, abs=0.005)
    assert measured.volts == pytest.approx(5.0 * 1.1 / 1.05, rel=0.003)


def test_the_gain_is_the_true_current_over_the_measured_one() -> None:
    assert CalibrationResult().with_gain(MEASURED, 1.02).gain == 1.02


def test_a_reversed_sensor_has_a_negative_gain() -> None:
    assert CalibrationResult().with_gain(Measured(-1.0, 5.0, 5), 1.02).gain == -1.02


@pytest.mark.parametrize(("amperes", "message"), [(0.7, "check the load"), (1.5, "check the load")])
def test_an_implausible_gain_is_refused(amperes: float, message: str) -> None:
    with pytest.raises(MeterError, match=message):
        CalibrationResult().with_gain(MEASURED, amperes)


def test_a_small_load_is_refused_for_the_gain() -> None:
    with pytest.raises(MeterError, match="too small to calibrate the gain"):
        CalibrationResult().with_gain(Measured(0.1, 5.0, 5), 0.1)


def test_the_reference_is_computed_from_the_true_supply() -> None:
    assert CalibrationResult().with_volts(Measured(1.0, 5.2, 5), 5.0).bandgap_volts == pytest.approx(
        1.1 * 5.0 / 5.2, abs=1e-4
    )


def test_an_implausible_reference_is_refused() -> None:
    with pytest.raises(MeterError, match="outside the tolerance of its chip"):
        CalibrationResult().with_volts(Measured(1.0, 5.0, 5), 12.0)


def test_only_calibrated_values_are_written() -> None:
    assert CalibrationResult(gain=1.02).settings() == {"gain": 1.02}


def test_the_settings_file_keeps_its_comments_and_its_other_keys(tmp_path: Path) -> None:
    file = tmp_path / "starling.toml"
    file.write_text('# mine\nnode = "pi"  # this one\n\n[power]\nport = "/dev/ttyACM0"\ngain = 0.9\n', encoding="utf-8")
    write_power_settings(file, {"gain": 1.02, "bandgap_volts": 1.08})
    text = file.read_text(encoding="utf-8")
    assert text.startswith('# mine\nnode = "pi"  # this one\n')
    settings = load_settings(file)
    assert (settings.power.port, settings.power.gain, settings.power.bandgap_volts) == ("/dev/ttyACM0", 1.02, 1.08)


def test_a_missing_settings_file_is_created(tmp_path: Path) -> None:
    write_power_settings(tmp_path / "starling.toml", {"gain": 1.02})
    assert load_settings(tmp_path / "starling.toml").power.gain == 1.02


@given(gain=st.floats(0.8, 1.25), node=st.text(st.characters(codec="utf-8", exclude_characters="+#/"), min_size=1))
def test_any_comment_of_the_settings_file_is_kept(
    tmp_path_factory: pytest.TempPathFactory, gain: float, node: str
) -> None:
    file = tmp_path_factory.mktemp("settings") / "starling.toml"
    comment = "".join(character for character in node if character.isprintable())
    file.write_text(f"# {comment}\n", encoding="utf-8")
    write_power_settings(file, {"gain": gain})
    assert file.read_text(encoding="utf-8").startswith(f"# {comment}\n")
    assert load_settings(file).power.gain == gain


def test_a_settings_file_that_is_not_toml_is_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "starling.toml"
    file.write_text("[power\n", encoding="utf-8")
    with pytest.raises(InputError, match="is not TOML"):
        write_power_settings(file, {"gain": 1.0})
    assert file.read_text(encoding="utf-8") == "[power\n"


def test_a_settings_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write the settings"):
        write_power_settings(tmp_path / "missing" / "starling.toml", {"gain": 1.0})
