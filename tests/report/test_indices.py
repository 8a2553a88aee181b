import math
import subprocess
import sys
from pathlib import Path

import pytest

from training.report.indices import (
    Bits,
    Joules,
    OperationsPerSecond,
    Percent,
    Seconds,
    Share,
    SummedKilowatts,
    SummedKilowattSeconds,
    joules_of_paper_power,
    model_performance_index,
    paper_energy,
    paper_power,
    resource_efficiency_ratio,
    speed_index,
)


def test_si_is_flops_divided_by_bits_and_time() -> None:
    assert speed_index(OperationsPerSecond(1600.0), Bits(8), Seconds(10.0)) == 20


def test_mpi_is_accuracy_plus_f_divided_by_power() -> None:
    assert model_performance_index(Share(0.75), Share(0.25), SummedKilowatts(4.0)) == 0.25


def test_rer_is_energy_divided_by_cpu_and_memory_in_percent() -> None:
    assert resource_efficiency_ratio(SummedKilowattSeconds(1000.0), Percent(50.0), Percent(10.0)) == 2


@pytest.mark.parametrize(("rate", "kilowatts"), [(10.0, 1.0), (20.0, 2.0)])
def test_the_papers_power_is_proportional_to_the_readings_per_second(rate: float, kilowatts: float) -> None:
    assert paper_power(Joules(100.0), rate) == kilowatts
    assert joules_of_paper_power(SummedKilowatts(kilowatts), rate) == 100.0


def test_the_papers_energy_is_its_power_times_the_total_time() -> None:
    assert paper_energy(SummedKilowatts(2.0), Seconds(30.0)) == SummedKilowattSeconds(60.0)


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.inf, math.nan])
def test_a_time_that_is_not_positive_and_finite_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="t must be above 0"):
        speed_index(OperationsPerSecond(1.0), Bits(8), Seconds(seconds))


def test_an_accuracy_in_percent_is_refused() -> None:
    with pytest.raises(ValueError, match="is it in percent"):
        model_performance_index(Share(62.0), Share(0.6), SummedKilowatts(1.0))


def test_the_type_checker_refuses_a_wrong_unit(tmp_path: Path) -> None:
    file = tmp_path / "mistaken.py"
    file.write_text(
        "from training.report.indices import Bits, Joules, Seconds, Share, OperationsPerSecond\n"
        "from training.report.indices import model_performance_index, speed_index\n"
        "speed_index(Seconds(1.0), Bits(8), Seconds(1.0))\n"
        "model_performance_index(Share(0.5), Share(0.5), Joules(1.0))\n"
    )
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--follow-imports=silent", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'has incompatible type "Seconds"; expected "OperationsPerSecond"' in checked.stdout
    assert 'has incompatible type "Joules"; expected "SummedKilowatts"' in checked.stdout
