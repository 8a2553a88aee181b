"""Comparison with the baseline, and rows that no other row beats."""

from typing import Any

import pytest

from stream.experiment.record import record_of
from stream.experiment.results import CellResult
from tests.report.invented import invented_result, power, subject
from training.report.baseline import accuracy_difference, baseline_of, table_of_baseline
from training.report.front import unbeaten, unbeaten_in_words
from training.report.paper import load_paper
from training.report.rows import Row, rows_of


def large(**changes: Any) -> CellResult:
    model = subject("float32", kind="tensorflow", name="bert-large", weights_bytes=1_340_000_000)
    return invented_result(cell="bert-large", model="bert-large", subject=model, **changes)


def rows(*results: CellResult) -> list[Row]:
    return rows_of(map(record_of, results))


def test_the_baseline_is_the_largest_model() -> None:
    found = baseline_of(rows(invented_result(), large(), invented_result(precision="float32")))
    assert found is not None
    assert found.model == "bert-large"


def test_a_row_is_compared_with_the_baseline_by_accuracy_time_and_size() -> None:
    table = table_of_baseline(rows(invented_result(seconds=5.0), large(correct=85, seconds=20.0)), None)
    (line,) = table.body
    assert line[:4] == ("pi-a", "mobilebert", "8 bit", "bert-large")
    assert line[4].startswith("5.0 ±")
    assert line[5:] == ("5.9", "0.250 times", "53.6 times smaller")


def test_a_baseline_on_another_device_is_named_with_the_device() -> None:
    table = table_of_baseline(rows(invented_result(), large(node="pi-b")), None)
    assert table.body[0][3] == "bert-large on pi-b"


def test_the_paper_is_compared_with_its_baseline() -> None:
    lines = table_of_baseline([], load_paper()).body
    assert lines[-1][-3:] == (
        "4.1, of what is not clear",
        "1.15 times (1.27)",
        "160 times smaller (54.4 by weights)",
    )


def test_accuracies_of_the_same_seeds_are_compared_seed_by_seed() -> None:
    one, other = rows(
        *(invented_result(seed=seed, correct=70 + 5 * seed) for seed in range(3)),
        *(invented_result(seed=seed, correct=69 + 5 * seed, precision="float32") for seed in range(3)),
    )
    difference = accuracy_difference(one, other)
    assert difference is not None
    assert difference.is_paired
    assert difference.value == pytest.approx(0.01)
    assert difference.half_interval == pytest.approx(0.0, abs=1e-9)


def test_accuracies_of_single_runs_are_compared_by_the_number_of_tweets() -> None:
    one, other = rows(invented_result(correct=80), invented_result(correct=79, precision="float32"))
    difference = accuracy_difference(one, other)
    assert difference is not None
    assert not difference.is_paired
    assert difference.half_interval == pytest.approx(1.96 * (0.8 * 0.2 / 100 + 0.79 * 0.21 / 100) ** 0.5)


def test_a_faster_row_beats_a_slower_one_whose_accuracy_is_not_significantly_higher() -> None:
    found = unbeaten(rows(invented_result(correct=80, seconds=5.0), invented_result(node="pi-b", correct=82)))
    assert [row.device for row in found] == ["pi-a"]


def test_a_slower_row_is_not_beaten_if_its_accuracy_is_significantly_higher() -> None:
    found = unbeaten(rows(invented_result(correct=60, seconds=5.0), invented_result(node="pi-b", correct=90)))
    assert len(found) == 2


def test_a_difference_within_the_uncertainty_of_the_meter_beats_nothing() -> None:
    def measured(node: str, watts: float) -> CellResult:
        phases = invented_result().phases
        return invented_result(node=node, power=power(phases, watts, offset=0.6))

    assert len(unbeaten(rows(measured("pi-a", 3.0), measured("pi-b", 3.5)))) == 2
    (best,) = unbeaten(rows(measured("pi-a", 3.0), measured("pi-b", 9.0)))
    assert best.device == "pi-a"


def test_a_row_that_is_equal_to_another_is_not_beaten_by_it() -> None:
    assert len(unbeaten(rows(invented_result(node="pi-a"), invented_result(node="pi-b")))) == 2


def test_the_words_say_by_what_rows_were_compared() -> None:
    measured, unmeasured = rows(invented_result()), rows(invented_result(watts=None))
    assert unbeaten_in_words(measured).startswith(
        "By accuracy and tweets per second and joules per tweet, no other row"
    )
    assert unbeaten_in_words(unmeasured).startswith(
        "By accuracy and tweets per second, no other row beats: mobilebert at"
    )
