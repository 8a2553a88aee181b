import pytest

from stream.experiment.monitor import COLUMNS, Numbers
from stream.experiment.results import Span
from stream.experiment.thinning import MOST_SAMPLES, factor, thinned

DURING = Span(start_seconds=10.0, end_seconds=19.0)


def sample(second: int, throttled: int | None = 0) -> Numbers:
    values = {
        "seconds": float(second),
        "cpu_ticks": 100 * second,
        "celsius": 50.0 + second,
        "throttled_bits": throttled,
    }
    return tuple(values.get(name) for name in COLUMNS)


def column(samples: list[Numbers], name: str) -> list[float | None]:
    return [each[COLUMNS.index(name)] for each in samples]


def test_a_short_run_keeps_all_its_samples() -> None:
    assert factor(DURING, per_second=10) == 1


def test_a_long_run_keeps_at_most_the_maximum_number_of_samples() -> None:
    eighteen_hours = Span(start_seconds=0, end_seconds=64_719)
    by = factor(eighteen_hours, per_second=10)
    assert eighteen_hours.seconds * 10 / by <= MOST_SAMPLES


def test_samples_before_and_after_labelling_do_not_change() -> None:
    samples = [sample(second) for second in range(30)]
    kept = list(thinned(samples, DURING, by=5))
    assert kept[:10] == samples[:10]
    assert kept[-10:] == samples[-10:]
    assert len(kept) == 10 + 2 + 10


def test_counters_keep_their_first_value_and_levels_their_mean() -> None:
    samples = [sample(second) for second in range(10, 20)]
    kept = list(thinned(samples, DURING, by=5))
    assert column(kept, "seconds") == [10.0, 15.0]
    assert column(kept, "cpu_ticks") == [1000, 1500]
    assert column(kept, "celsius") == [pytest.approx(62.0), pytest.approx(67.0)]


def test_throttling_in_any_sample_is_kept() -> None:
    samples = [sample(10, 0b1), sample(11, 0b100), sample(12, None)]
    assert column(list(thinned(samples, DURING, by=3)), "throttled_bits") == [0b101]


def test_a_column_without_values_stays_empty() -> None:
    kept = list(thinned([sample(10), sample(11)], DURING, by=2))
    assert column(kept, "process_ticks") == [None]
