"""What is known of the paper's own numbers fits together; where they do not, the tests say where."""

from pathlib import Path

import pytest

from stream.errors import InputError
from training.report.paper import KNOWN_NUMBERS, load_paper, paper_rows, with_indices
from training.report.quantities import PAPER_OPERATIONS, Quantity
from training.report.rows import Row

Q = Quantity


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    return {f"{row.device} {row.precision}": row for row in paper_rows(load_paper())}


def value(row: Row, quantity: Quantity) -> float:
    found = row.mean(quantity)
    assert found is not None, quantity
    return found


def test_the_papers_power_is_watts_only_if_ten_readings_a_second_were_added_up(rows: dict[str, Row]) -> None:
    row = rows["Raspberry Pi 3B float32"]
    assert 1000 * value(row, Q.PAPER_POWER) / value(row, Q.SECONDS) == pytest.approx(45.1, abs=0.05)
    assert value(row, Q.WATTS) == pytest.approx(4.5, abs=0.05)


def test_a_tenth_of_the_papers_watts_a_sample_are_joules_a_tweet(rows: dict[str, Row]) -> None:
    assert value(rows["Raspberry Pi 3B float32"], Q.JOULES_PER_TWEET) == pytest.approx(7.5, abs=0.05)
    assert value(rows["Raspberry Pi 4B int8"], Q.JOULES_PER_TWEET) == pytest.approx(2.7, abs=0.05)


def test_time_by_time_a_tweet_gives_the_papers_number_of_tweets(rows: dict[str, Row]) -> None:
    tweets = load_paper().test_tweets.value
    row = rows["Raspberry Pi 3B+ float16"]
    assert value(row, Q.SECONDS) / value(row, Q.SECONDS_PER_TWEET) == pytest.approx(tweets, rel=0.005)


def test_one_row_of_the_paper_does_other_work_a_tweet_than_the_rest_and_says_so(rows: dict[str, Row]) -> None:
    row = rows["Raspberry Pi 3B+ float16"]
    operations = value(row, Q.PAPER_FLOPS) * value(row, Q.SECONDS_PER_TWEET)
    assert operations == pytest.approx(2.96e8, rel=0.005)
    assert operations < 0.85 * PAPER_OPERATIONS
    assert "slip of the pen" in row.caveats_of(Q.SECONDS)[0].says


def test_a_number_that_was_derived_says_how(rows: dict[str, Row]) -> None:
    row = rows["Raspberry Pi 3B float32"]
    for quantity in (Q.PAPER_FLOPS, Q.SI):
        (caveat,) = row.caveats_of(quantity)
        assert caveat.says == "Derived: 3.6e8 operations a tweet by 1.66 s"
    assert not row.caveats_of(Q.SECONDS)


def test_with_the_time_that_would_fit_that_row_does_the_work_of_the_others(rows: dict[str, Row]) -> None:
    flops = value(rows["Raspberry Pi 3B+ float16"], Q.PAPER_FLOPS)
    assert flops * 1.41 == pytest.approx(PAPER_OPERATIONS, rel=0.01)
    assert 54_999 / load_paper().test_tweets.value == pytest.approx(1.41, abs=0.005)


def test_160_times_is_a_checkpoint_with_its_optimiser_against_the_smallest_file() -> None:
    paper = load_paper()
    assert paper.bert_large_bytes.value / 25e6 == paper.compression_ratio.value
    assert pytest.approx(53.6) == 335e6 * 4 / 25e6
    assert pytest.approx(paper.bert_large_bytes.value, rel=0.01) == 335e6 * 4 * 3


def test_the_energy_of_rer_decides_who_leads() -> None:
    """Two invented rows: the slower board has more of 'Power' times time, the faster one of 'Power' alone."""
    slow = {Q.PAPER_POWER: 2700.0, Q.SECONDS: 55_000.0, Q.CPU: 0.5, Q.MEMORY: 0.5}
    fast = {Q.PAPER_POWER: 1060.0, Q.SECONDS: 17_000.0, Q.CPU: 0.4, Q.MEMORY: 0.2}
    assert with_indices(slow, "int8")[Q.RER] > with_indices(fast, "int8")[Q.RER]
    assert slow[Q.PAPER_POWER] / (50 * 50) < fast[Q.PAPER_POWER] / (40 * 20)


def test_si_is_highest_for_the_pi_4b_at_8_bits_as_the_paper_says(rows: dict[str, Row]) -> None:
    assert max(rows, key=lambda name: value(rows[name], Q.SI)) == "Raspberry Pi 4B int8"


def test_mpi_is_highest_for_the_pi_4b_at_8_bits_whatever_each_rows_scores_are(rows: dict[str, Row]) -> None:
    """The others are given the best scores of all, and it half of them: which row has which is not known."""
    paper = load_paper()
    best = {Q.ACCURACY: paper.best_accuracy.value, Q.MACRO_F1: paper.best_macro_f1.value}
    half = {quantity: score / 2 for quantity, score in best.items()}
    mpi = {}
    for name, row in rows.items():
        scores = half if name == "Raspberry Pi 4B int8" else best
        mpi[name] = with_indices({Q.PAPER_POWER: value(row, Q.PAPER_POWER)} | scores, row.precision)[Q.MPI]
    assert max(mpi, key=mpi.__getitem__) == "Raspberry Pi 4B int8"


def test_every_row_draws_watts_that_a_raspberry_pi_draws(rows: dict[str, Row]) -> None:
    watts = {name: value(row, Q.WATTS) for name, row in rows.items()}
    assert watts == {
        "Raspberry Pi 3B float32": pytest.approx(4.5, abs=0.05),
        "Raspberry Pi 3B+ float16": pytest.approx(8.1, abs=0.05),
        "Raspberry Pi 4B int8": pytest.approx(7.1, abs=0.05),
    }


def test_what_follows_only_from_numbers_that_are_missing_stays_missing(rows: dict[str, Row]) -> None:
    for row in rows.values():
        assert {Q.MPI, Q.RER}.isdisjoint(row.values)


def test_a_completed_row_has_all_three_indices() -> None:
    known = {Q.PAPER_FLOPS: 4e8, Q.SECONDS: 4e4, Q.ACCURACY: 0.7, Q.MACRO_F1: 0.5, Q.PAPER_POWER: 1000.0}
    found = with_indices(known | {Q.CPU: 0.5, Q.MEMORY: 0.2}, "int8")
    assert found[Q.SI] == pytest.approx(4e8 / 8 / 4e4)
    assert found[Q.MPI] == pytest.approx(1.2 / 1000)
    assert found[Q.RER] == pytest.approx(1000 * 4e4 / (50 * 20))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("64719", "0", "greater than 0"),
        ('source = "abstract"', 'source = "hearsay"', "'abstract', 'table' or 'derived'"),
        (', how = "64,719 s by 38,985 tweets"', "", "needs a `how`"),
        ("device =", "board =", "device"),
        ("[[rows]]", "[[rows", "is not TOML"),
    ],
)
def test_a_file_of_the_papers_numbers_that_is_wrong_is_refused_in_a_sentence(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    file = tmp_path / "paper.toml"
    file.write_text(KNOWN_NUMBERS.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=says):
        load_paper(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*nowhere\.toml: No such file"):
        load_paper(tmp_path / "nowhere.toml")
