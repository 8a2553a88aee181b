"""Conversion of sums to amperes and volts with standard errors."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.power.current import VARIANTS, Calibration, amperes, volts
from stream.power.frames import Identity, Sample
from tests.power.examples import sample

TARED = Identity(variant=5, zero=512.0, window=1923)
UNTARED = replace(TARED, zero=None)
PLAIN = Calibration()


def noisy_sample(mean_code: float, deviation: float, seed: int = 1) -> Sample:
    chance = random.Random(seed)
    codes = [round(chance.gauss(mean_code, deviation)) for _ in range(1923)]
    return Sample(0, 1987, 1923, sum(codes), sum(code * code for code in codes), 5006)


@pytest.mark.parametrize(
    ("variant", "amperes_per_code"), [(5, 5 / 1024 / 0.185), (20, 5 / 1024 / 0.1), (30, 5 / 1024 / 0.066)]
)
def test_a_code_is_converted_to_amperes(variant: int, amperes_per_code: float) -> None:
    current = amperes(sample(code=513), replace(TARED, variant=variant), PLAIN)
    assert current.value == pytest.approx(amperes_per_code)


def test_the_five_ampere_sensor_has_26_milliamperes_a_count() -> None:
    assert amperes(sample(code=513), TARED, PLAIN).value == pytest.approx(0.0264, rel=1e-3)


def test_the_zero_of_the_meter_is_subtracted() -> None:
    assert amperes(sample(code=520), replace(TARED, zero=520.0), PLAIN).value == 0


def test_without_a_tare_half_the_supply_is_the_zero() -> None:
    assert amperes(sample(code=512), UNTARED, PLAIN).value == 0


def test_the_variant_of_the_settings_overrides_the_meters() -> None:
    as_30 = amperes(sample(code=600), TARED, Calibration(variant=30))
    assert as_30 == amperes(sample(code=600), replace(TARED, variant=30), PLAIN)


@given(st.floats(-2, 2).filter(lambda gain: abs(gain) > 0.1))
def test_the_gain_scales_current_and_noise(gain: float) -> None:
    measured = noisy_sample(600, 2)
    plain, scaled = amperes(measured, TARED, PLAIN), amperes(measured, TARED, Calibration(gain=gain))
    assert scaled.value == pytest.approx(gain * plain.value)
    assert scaled.noise == pytest.approx(abs(gain) * plain.noise)


def test_the_noise_is_that_of_the_mean_of_correlated_conversions() -> None:
    current = amperes(noisy_sample(600, 3.0), TARED, PLAIN)
    of_mean = 3.0 * math.sqrt(1.74 / 1923) * 5 / 1024 / 0.185
    assert current.noise == pytest.approx(of_mean, rel=0.05)


def test_a_current_without_noise_has_the_error_of_half_a_count() -> None:
    current = amperes(sample(code=600), TARED, PLAIN)
    assert current.noise == 0
    assert current.offset == pytest.approx(math.hypot(0.5, 0.5) / math.sqrt(3) * 0.0264, rel=1e-3)


def test_without_a_tare_the_error_is_the_datasheets_offset() -> None:
    current = amperes(sample(code=600), UNTARED, PLAIN)
    assert current.offset == pytest.approx(0.040 / 0.185 / math.sqrt(3), rel=0.01)


def test_a_calibrated_gain_has_a_smaller_error_than_the_datasheets() -> None:
    measured = sample(code=700)
    assert amperes(measured, TARED, Calibration(gain=1.0)).scale < amperes(measured, TARED, PLAIN).scale


@pytest.mark.parametrize(("variant", "low", "high"), [(5, 0.180, 0.190), (20, 0.096, 0.104), (30, 0.063, 0.069)])
def test_the_sensitivity_and_its_tolerance_are_the_datasheets(variant: int, low: float, high: float) -> None:
    known = VARIANTS[variant]
    assert known.volts_per_ampere * (1 - known.sensitivity_tolerance) == pytest.approx(low)
    assert known.volts_per_ampere * (1 + known.sensitivity_tolerance) == pytest.approx(high)


def test_a_set_supply_voltage_has_an_error_of_two_percent() -> None:
    supply = volts(sample(), Calibration(supply_volts=5.1))
    assert supply is not None
    assert supply.value == 5.1
    assert supply.scale == pytest.approx(0.102)


def test_a_measured_supply_has_the_error_of_the_bandgap() -> None:
    supply = volts(sample(supply_millivolts=5006), PLAIN)
    assert supply is not None
    assert supply.value == pytest.approx(5.006)
    assert supply.standard_error / supply.value == pytest.approx(0.1 / 1.1 / math.sqrt(3), rel=0.01)


def test_a_calibrated_bandgap_corrects_the_measured_supply() -> None:
    supply = volts(sample(supply_millivolts=5500), Calibration(bandgap_volts=1.0))
    assert supply is not None
    assert supply.value == pytest.approx(5.0)
    assert supply.standard_error < 0.03


def test_a_supply_neither_measured_nor_set_is_unknown() -> None:
    assert volts(sample(supply_millivolts=0), PLAIN) is None
