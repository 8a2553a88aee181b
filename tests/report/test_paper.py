"""The paper's numbers, compared cell by cell with its tables, and what follows from them."""

import csv
from pathlib import Path

import pytest

from stream.errors import InputError
from training.report.energy_tables import table_of_paper_power
from training.report.paper import PAPER_FILE, Paper, PaperRow, load_paper, paper_rows, with_indices
from training.report.quantities import PAPER_OPERATIONS, Quantity
from training.report.rows import Row
from training.report.tables import table_iii

Q = Quantity
TABLES = Path(__file__).parent / "paper"
BOARDS = {"RP3B": "Raspberry Pi 3B", "RP3B+": "Raspberry Pi 3B+", "RP4B": "Raspberry Pi 4B"}
PRECISIONS = {"32": "float32", "16": "float16", "8": "int8"}
COLUMNS_OF_TABLE_IV = {
    "power_KW": ("paper_power", 1),
    "time_s": ("seconds", 1),
    "power_per_inference_W_per_sample": ("paper_watts_per_sample", 1),
    "time_per_inference_s_per_sample": ("seconds_per_tweet", 1),
    "FLOPS": ("flops", 1),
    "avg_accuracy": ("accuracy", 1),
    "avg_f_score": ("macro_f1", 1),
    "avg_cpu_util_percent": ("cpu", 100),
    "avg_memory_util_percent": ("memory", 100),
}


@pytest.fixture(scope="module")
def paper() -> Paper:
    return load_paper()


@pytest.fixture(scope="module")
def rows(paper: Paper) -> dict[tuple[str, str], Row]:
    return {(row.device.removesuffix(" (paper)"), row.precision): row for row in paper_rows(paper)}


def printed(name: str) -> list[dict[str, str]]:
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def value(row: Row, quantity: Quantity) -> float:
    found = row.mean(quantity)
    assert found is not None, quantity
    return found


@pytest.mark.parametrize(
    "cells", printed("table4"), ids=lambda cells: f"{cells['device']}-{cells['quantization_bits']}"
)
def test_every_cell_of_table_iv_is_as_printed(paper: Paper, cells: dict[str, str]) -> None:
    row = paper.row(BOARDS[cells["device"]], PRECISIONS[cells["quantization_bits"]])
    for column, (name, scale) in COLUMNS_OF_TABLE_IV.items():
        assert round(scale * getattr(row, name).value, 6) == float(cells[column]), column
        assert row.source(getattr(row, name)).startswith("Table IV, row"), column


def test_table_iv_has_all_rows_in_the_printed_order(paper: Paper) -> None:
    order = [(BOARDS[cells["device"]], PRECISIONS[cells["quantization_bits"]]) for cells in printed("table4")]
    assert [(row.device, row.precision) for row in paper.rows] == order
    assert [row.where for row in paper.rows] == [f"Table IV, row {number}" for number in range(1, 10)]


@pytest.mark.parametrize("cells", printed("table3"), ids=lambda cells: cells["precision_bits"])
def test_every_cell_of_table_iii_is_as_printed(paper: Paper, cells: dict[str, str]) -> None:
    row = paper.score(PRECISIONS[cells["precision_bits"]])
    assert row is not None
    assert row.accuracy.value == float(cells["avg_accuracy"])
    assert row.accuracy.plus_minus == float(cells["avg_accuracy_pm"])
    assert row.macro_f1.value == float(cells["avg_f_score"])
    assert row.macro_f1.plus_minus == float(cells["avg_f_score_pm"])
    assert row.max_accuracy.value == float(cells["max_accuracy"])
    assert row.max_macro_f1.value == float(cells["max_f_score"])


def test_every_cell_of_table_ii_is_as_printed(paper: Paper) -> None:
    found = [
        (row.device, row.processor, row.gigahertz.value, row.memory_gigabytes.value, row.storage)
        for row in paper.hardware
    ]
    assert found == [
        (
            cells["machine"].removeprefix("Embedded "),
            cells["cpu"],
            float(cells["clock_GHz"]),
            float(cells["ram_GB"]),
            cells["memory"],
        )
        for cells in printed("table2")
    ]


def test_every_size_is_as_printed(paper: Paper) -> None:
    large, mobile, *files = (float(cells["bytes"]) for cells in printed("sizes"))
    assert (paper.text.bert_large_bytes.value, paper.text.mobilebert_bytes.value) == (large, mobile)
    assert [row.file_bytes.value for row in paper.rows] == files * 3


@pytest.mark.parametrize("cells", printed("indices"), ids=lambda cells: "-".join(list(cells.values())[:2]))
def test_the_indices_are_those_of_the_equations(rows: dict[tuple[str, str], Row], cells: dict[str, str]) -> None:
    row = rows[BOARDS[cells["device"]], PRECISIONS[cells["bits"]]]
    assert value(row, Q.SI) == pytest.approx(float(cells["si"]), rel=1e-5)
    assert value(row, Q.MPI) == pytest.approx(float(cells["mpi"]), rel=1e-5)
    assert value(row, Q.RER) == pytest.approx(float(cells["rer"]), rel=1e-5)
    assert value(row, Q.RER_OF_POWER) == pytest.approx(float(cells["rer_with_power_as_energy"]), rel=1e-5)


def test_the_scores_are_shown_with_their_plus_minus_and_maxima(rows: dict[tuple[str, str], Row]) -> None:
    (line,) = table_iii([rows["Raspberry Pi 3B", "float32"]]).body
    assert line[4:8] == ("0.685 ± 0.0031", "0.602 ± 0.004", "0.70", "0.61")


def test_a_note_on_one_cell_stands_beside_it_and_what_is_computed_from_it_alone(
    rows: dict[tuple[str, str], Row],
) -> None:
    row = rows["Raspberry Pi 3B+", "float16"]
    noted = {quantity for quantity in row.values if row.caveats_of(quantity)}
    assert noted == {Q.SECONDS, Q.SECONDS_PER_TWEET, Q.SI, Q.RER, Q.TWEETS_PER_SECOND}
    assert not any(other.caveats for key, other in rows.items() if key != ("Raspberry Pi 3B+", "float16"))


def test_the_papers_rows_have_no_watts_or_joules_because_its_sampling_rate_is_not_printed(
    rows: dict[tuple[str, str], Row],
) -> None:
    for row in rows.values():
        assert {Q.WATTS, Q.JOULES, Q.JOULES_PER_TWEET}.isdisjoint(row.values)


def test_watts_and_joules_are_shown_for_both_sampling_rates(paper: Paper) -> None:
    lines = {line[:2]: line[2:] for line in table_of_paper_power(paper).body}
    assert lines["Raspberry Pi 3B (paper)", "32 bit"] == ("45.1", "4.51", "2.26", "7.49", "3.75", "1.4", "3.7")
    assert lines["Raspberry Pi 4B (paper)", "8 bit"] == ("70.9", "7.09", "3.54", "2.70", "1.35", "2.7", "6.4")


def test_ten_readings_a_second_give_more_power_than_the_boards_use_with_all_cores_busy(paper: Paper) -> None:
    boards = {board.device: board for board in paper.boards}
    for row in paper.rows:
        board = boards[row.device]
        assert row.power_per_second / 10 > board.busy_watts
        assert board.idle_watts < row.power_per_second / 20 < board.busy_watts


def test_the_number_of_test_tweets_fits_power_and_power_per_sample_of_all_rows(paper: Paper) -> None:
    for row in paper.rows:
        watts = 1000 * row.paper_power.value / paper.derived.test_tweets.value
        assert watts == pytest.approx(row.paper_watts_per_sample.value, abs=0.0051)


def test_one_row_does_another_number_of_operations_per_tweet(paper: Paper) -> None:
    def operations(row: PaperRow) -> float:
        return row.flops.value * row.seconds_per_tweet.value

    odd = paper.row("Raspberry Pi 3B+", "float16")
    assert operations(odd) == pytest.approx(2.96e8, rel=0.005)
    assert odd.flops.value * 1.41 == pytest.approx(PAPER_OPERATIONS, rel=0.01)
    for row in paper.rows:
        if row is not odd:
            assert operations(row) == pytest.approx(PAPER_OPERATIONS, rel=0.04)


def test_160_times_is_a_checkpoint_with_its_optimiser_against_the_smallest_file(paper: Paper) -> None:
    text = paper.text
    weights = 4 * text.bert_large_parameters.value
    assert text.bert_large_bytes.value / 25e6 == text.compression_ratio.value
    assert weights / 25e6 == pytest.approx(54.4)
    assert 3 * weights == pytest.approx(text.bert_large_bytes.value, rel=0.03)


def test_numbers_that_are_missing_give_no_index() -> None:
    assert with_indices({Q.SECONDS: 4e4}, "int8") == {Q.SECONDS: 4e4}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("seconds = 64719", "seconds = 0", "greater than 0"),
        ('where = "Table IV, row 1"\n', "", "needs `where` it is printed, or `how` it was derived"),
        ("gigahertz =", "megahertz =", "gigahertz"),
        ("schema = 2", "", "not of schema 2"),
        ("schema = 2", "schema = 1", "not of schema 2"),
        ("[[rows]]", "[[rows", "is not TOML"),
    ],
)
def test_a_wrong_file_of_the_papers_numbers_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    file = tmp_path / "paper.toml"
    file.write_text(PAPER_FILE.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=says):
        load_paper(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*nowhere\.toml: No such file"):
        load_paper(tmp_path / "nowhere.toml")
