import pytest

from stream.experiment.results import CellResult, Data, Power
from tests.report.invented import TWEETS, invented_result, samples, subject
from training.report.quantities import Quantity
from training.report.rows import Row, rows_of

Q = Quantity


def row_of(*results: CellResult) -> Row:
    (row,) = rows_of(results)
    return row


def says(row: Row, quantity: Quantity) -> str:
    return "; ".join(caveat.says for caveat in row.caveats_of(quantity))


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (Q.ACCURACY, 0.8),
        (Q.MACRO_F1, (2 * 80 / 180) / 3),
        (Q.TWEETS_PER_SECOND, 10.0),
        (Q.SECONDS_PER_TWEET, 0.1),
        (Q.FLOPS, 2 * 500_000 * 10.0),
        (Q.PAPER_FLOPS, 3.6e9),
        (Q.CPU_BEFORE, 0.0),
        (Q.CPU, 0.5),
        (Q.MEMORY, 0.25),
        (Q.PROCESS_CPU, 1.0),
        (Q.PROCESS_CPU_SHARE, 0.25),
        (Q.PROCESS_CPU_PER_TWEET, 0.1),
        (Q.PROCESS_MEMORY_SHARE, 0.05),
        (Q.WATTS, 5.0),
        (Q.JOULES_PER_TWEET, 0.5),
        (Q.JOULES_PER_CORRECT, 50 / 80),
        (Q.PAPER_POWER, 0.5),
        (Q.PAPER_WATTS_PER_SAMPLE, 5.0),
        (Q.SI, 1e7 / (8 * 10)),
        (Q.MPI, (0.8 + (2 * 80 / 180) / 3) / 0.5),
        (Q.RER, 0.5 * 10 / (50 * 25)),
    ],
)
def test_numbers_are_those_that_a_head_works_out(quantity: Quantity, expected: float) -> None:
    assert row_of(invented_result()).mean(quantity) == pytest.approx(expected)


def test_a_run_on_a_quiet_and_healthy_device_has_no_caveats() -> None:
    assert row_of(invented_result()).caveats == ()


def test_runs_that_differ_in_their_seed_alone_come_together() -> None:
    row = row_of(*(invented_result(seed=seed, correct=70 + 10 * seed) for seed in range(3)))
    spread = row.values[Q.ACCURACY]
    assert row.runs == 3
    assert spread.mean == pytest.approx(0.8)
    assert spread.deviation == pytest.approx(0.1)
    assert spread.half_interval == pytest.approx(4.303 * 0.1 / 3**0.5)


def test_runs_over_other_data_of_the_same_name_stay_apart() -> None:
    other = Data(name="test", sha256="9" * 64, planned=TWEETS, refused=0)
    assert len(rows_of([invented_result(), invented_result(seed=1, data=other)])) == 2


def test_a_device_without_a_meter_has_no_energy_and_says_why() -> None:
    row = row_of(invented_result(watts=None))
    assert row.mean(Q.JOULES_PER_TWEET) is None
    assert "no meter" in says(row, Q.JOULES_PER_TWEET)
    assert says(row, Q.ACCURACY) == ""


def test_a_meter_that_gave_nothing_is_told() -> None:
    row = row_of(invented_result(power=Power(source="meter")))
    assert "meter gave no reading" in says(row, Q.WATTS)


def test_a_meter_that_was_away_for_a_while_is_told() -> None:
    whole = invented_result().power
    assert whole is not None
    cut = {name: column[:6] for name, column in whole.model_dump(exclude={"source"}).items()}
    row = row_of(invented_result(power=Power(source="meter", **cut)))
    assert says(row, Q.JOULES_PER_TWEET) == "meter covers 40% of the time"
    assert row.mean(Q.WATTS) == pytest.approx(5.0)


def test_a_run_whose_device_throttled_is_told_beside_times_and_energy() -> None:
    phases = invented_result().phases
    row = row_of(invented_result(samples=samples(phases, throttled=0b101)))
    assert says(row, Q.TWEETS_PER_SECOND) == "the device held back: under voltage, throttled"
    assert says(row, Q.JOULES_PER_TWEET) == says(row, Q.TWEETS_PER_SECOND)
    assert says(row, Q.ACCURACY) == ""


def test_throttling_between_two_samples_is_told_by_the_bits_that_stay() -> None:
    row = row_of(invented_result(throttled_bits=(0x10000, 0x50000)))
    assert says(row, Q.SECONDS) == "the device held back: throttled"


def test_throttling_of_an_earlier_day_is_not_this_runs() -> None:
    assert row_of(invented_result(throttled_bits=(0x50000, 0x50000))).caveats == ()


def test_of_several_runs_those_that_throttled_are_named() -> None:
    phases = invented_result().phases
    bad = invented_result(seed=3, samples=samples(phases, throttled=0b100))
    assert says(row_of(invented_result(), bad), Q.FLOPS) == "seed 3: the device held back: throttled"


def test_fewer_samples_than_planned_are_told_beside_what_they_are_of() -> None:
    phases = invented_result().phases
    row = row_of(invented_result(samples=samples(phases, per_second=5.0)))
    assert says(row, Q.CPU) == "51 samples of 100 planned during the tweets"
    assert says(row, Q.TWEETS_PER_SECOND) == ""


def test_tweets_without_a_label_are_told_beside_the_scores() -> None:
    data = Data(name="test", sha256="1" * 64, planned=TWEETS + 2, refused=2)
    assert "2 of 102 tweets have no label" in says(row_of(invented_result(data=data)), Q.ACCURACY)


def test_a_machine_that_was_not_quiet_is_told() -> None:
    usual = invented_result()
    columns = dict(usual.samples.columns)
    columns["cpu_busy_ticks"] = [0.3 * (ticks or 0.0) for ticks in columns["cpu_ticks"]]
    row = row_of(invented_result(samples=usual.samples.model_copy(update={"columns": columns})))
    assert "other work shared it" in says(row, Q.SECONDS)


def test_what_rapl_leaves_out_is_told() -> None:
    power = invented_result().power
    assert power is not None
    row = row_of(invented_result(power=power.model_copy(update={"source": "rapl"})))
    assert "the processor alone" in says(row, Q.JOULES_PER_TWEET)


def test_a_model_without_known_bits_has_no_si() -> None:
    row = row_of(invented_result(subject=subject("int8").model_copy(update={"precision": "int4"})))
    assert row.mean(Q.SI) is None
