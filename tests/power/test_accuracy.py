"""Required accuracy of the meter with few windows; `make power-accuracy` measures with more."""

from pathlib import Path

import pytest

from tests.power.accuracy import WAVEFORMS, measure_changing_load, measure_scatter, measure_waveform

QUIET = "DC, no noise at all"
OFFSET = "40 mV offset, sensor's noise"
WINDOWS = 8


@pytest.mark.parametrize("waveform", [name for name in WAVEFORMS if name != OFFSET])
async def test_without_a_tare_the_mean_is_within_one_percent_of_full_scale(simulator: Path, waveform: str) -> None:
    for row in await measure_waveform(simulator, waveform, tared=False, windows=WINDOWS):
        assert abs(row.error_percent) < 1.0, row


@pytest.mark.parametrize("waveform", [name for name in WAVEFORMS if name != QUIET])
async def test_with_a_tare_the_mean_is_within_a_fifth_of_a_percent_of_full_scale(
    simulator: Path, waveform: str
) -> None:
    for row in await measure_waveform(simulator, waveform, tared=True, windows=WINDOWS):
        assert abs(row.error_percent) < 0.2, row
        assert row.covered >= 0.95, row


async def test_without_noise_the_error_is_half_a_count(simulator: Path) -> None:
    half_count_percent = 100 * 0.5 * (5 / 1024 / 0.185) / 5
    for row in await measure_waveform(simulator, QUIET, tared=True, windows=5):
        assert abs(row.error_percent) <= half_count_percent + 1e-9, row
        assert row.covered == 1.0, row


async def test_the_stated_error_is_limited_by_the_converter(simulator: Path) -> None:
    for row in await measure_waveform(simulator, "DC, sensor's noise (21 mV p-p)", tared=True, windows=5):
        assert row.standard_error_amperes < 0.012 + 0.016 * row.true_amperes, row


async def test_an_offset_without_a_tare_is_within_the_stated_error(simulator: Path) -> None:
    for row in await measure_waveform(simulator, OFFSET, tared=False, windows=5):
        assert row.error_percent > 4
        assert row.covered == 1.0, row


async def test_the_spread_of_windows_matches_their_stated_noise(simulator: Path) -> None:
    scatter, stated = await measure_scatter(simulator, windows=150)
    assert stated == pytest.approx(scatter, rel=0.2)


async def test_energy_of_a_changing_load_is_within_one_percent(simulator: Path) -> None:
    joules, true = await measure_changing_load(simulator)
    assert joules.value == pytest.approx(true, rel=0.01)
    assert joules.value == pytest.approx(true, abs=2 * joules.standard_error)
