import pytest

from stream.experiment.record import record_of
from stream.experiment.results import CellResult, Data, Power
from tests.report.invented import TWEETS, device, invented_result, power, samples, subject, tweets
from training.report.quantities import RANDOM_WEIGHTS, Quantity
from training.report.rows import Row, rows_of

Q = Quantity


def row_of(*results: CellResult) -> Row:
    (row,) = rows_of(map(record_of, results))
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
        (Q.RER_OF_POWER, 0.5 / (50 * 25)),
        (Q.WATTS_IDLE, 5.0),
        (Q.WATTS_ABOVE_IDLE, 0.0),
        (Q.JOULES_ABOVE_IDLE_PER_TWEET, 0.0),
    ],
)
def test_the_numbers_of_a_run_are_correct(quantity: Quantity, expected: float) -> None:
    assert row_of(invented_result()).mean(quantity) == pytest.approx(expected)


def test_a_run_on_a_quiet_device_has_no_caveat_but_that_of_the_papers_sampling_rate() -> None:
    (caveat,) = row_of(invented_result()).caveats
    assert "at 20, which the paper may have used, 'Power', 'W/sample' and RER are 2 times as large" in caveat.says
    assert caveat.touches == {Q.PAPER_POWER, Q.PAPER_WATTS_PER_SAMPLE, Q.MPI, Q.RER, Q.RER_OF_POWER}


def test_runs_that_differ_only_in_the_seed_are_one_row() -> None:
    row = row_of(*(invented_result(seed=seed, correct=70 + 10 * seed) for seed in range(3)))
    spread = row.values[Q.ACCURACY]
    assert row.runs == 3
    assert spread.mean == pytest.approx(0.8)
    assert spread.deviation == pytest.approx(0.1)
    assert spread.half_interval == pytest.approx(4.303 * 0.1 / 3**0.5)


def test_runs_on_different_data_of_the_same_name_are_two_rows() -> None:
    other = Data(name="test", sha256="9" * 64, planned=TWEETS, refused=0)
    assert len(rows_of(map(record_of, [invented_result(), invented_result(seed=1, data=other)]))) == 2


def test_a_device_without_a_meter_has_no_energy_and_a_caveat() -> None:
    row = row_of(invented_result(watts=None))
    assert row.mean(Q.JOULES_PER_TWEET) is None
    assert "no power meter" in says(row, Q.JOULES_PER_TWEET)
    assert says(row, Q.ACCURACY) == ""


def test_a_meter_without_readings_is_a_caveat() -> None:
    row = row_of(invented_result(power=Power(source="meter")))
    assert "meter gave no reading" in says(row, Q.WATTS)


def test_a_meter_that_covers_a_part_of_the_time_is_a_caveat() -> None:
    whole = invented_result().power
    assert whole is not None
    cut = {
        name: column[:6]
        for name, column in whole.model_dump(exclude={"source", "clock_offset_seconds", "clock_error_seconds"}).items()
    }
    row = row_of(invented_result(power=Power(source="meter", **cut)))
    assert says(row, Q.JOULES_PER_TWEET) == "meter covers 40% of the time"
    assert row.mean(Q.WATTS) == pytest.approx(5.0)


def test_throttling_is_a_caveat_of_times_and_energy() -> None:
    phases = invented_result().phases
    row = row_of(invented_result(samples=samples(phases, throttled=0b101)))
    assert says(row, Q.TWEETS_PER_SECOND) == "the firmware slowed the processor down: under voltage, throttled"
    assert says(row, Q.JOULES_PER_TWEET) == says(row, Q.TWEETS_PER_SECOND)
    assert says(row, Q.ACCURACY) == ""


def test_throttling_between_two_samples_is_found_in_the_bits_that_stay_set() -> None:
    row = row_of(invented_result(throttled_bits=(0x10000, 0x50000)))
    assert says(row, Q.SECONDS) == "the firmware slowed the processor down: throttled"


def test_throttling_before_the_run_is_not_a_caveat() -> None:
    assert says(row_of(invented_result(throttled_bits=(0x50000, 0x50000))), Q.SECONDS) == ""


def test_the_seeds_of_throttled_runs_are_named() -> None:
    phases = invented_result().phases
    bad = invented_result(seed=3, samples=samples(phases, throttled=0b100))
    assert says(row_of(invented_result(), bad), Q.FLOPS) == "seed 3: the firmware slowed the processor down: throttled"


def test_too_few_samples_are_a_caveat_of_what_they_measure() -> None:
    phases = invented_result().phases
    row = row_of(invented_result(samples=samples(phases, per_second=5.0)))
    assert says(row, Q.CPU) == "51 samples of 100 planned during labelling"
    assert says(row, Q.TWEETS_PER_SECOND) == ""


def test_tweets_without_a_label_are_a_caveat_of_the_scores() -> None:
    data = Data(name="test", sha256="1" * 64, planned=TWEETS + 2, refused=2)
    assert "2 of 102 tweets have no label" in says(row_of(invented_result(data=data)), Q.ACCURACY)


def test_other_work_on_the_machine_is_a_caveat() -> None:
    usual = invented_result()
    columns = dict(usual.samples.columns)
    columns["cpu_busy_ticks"] = [0.3 * (ticks or 0.0) for ticks in columns["cpu_ticks"]]
    row = row_of(invented_result(samples=usual.samples.model_copy(update={"columns": columns})))
    assert "other work shared it" in says(row, Q.SECONDS)


def test_the_scope_of_rapl_is_a_caveat() -> None:
    measured = invented_result().power
    assert measured is not None
    row = row_of(invented_result(power=measured.model_copy(update={"source": "rapl"})))
    assert "the processor alone" in says(row, Q.JOULES_PER_TWEET)


def test_a_model_of_unknown_precision_has_no_si() -> None:
    row = row_of(invented_result(subject=subject("int8").model_copy(update={"precision": "int4"})))
    assert row.mean(Q.SI) is None


def test_the_error_of_the_meter_is_part_of_the_uncertainty_of_the_energy() -> None:
    phases = invented_result().phases
    runs = [invented_result(seed=seed, power=power(phases, 3.0, offset=0.63)) for seed in range(5)]
    row = row_of(*runs)
    for quantity, seconds in ((Q.WATTS, 1.0), (Q.JOULES_PER_TWEET, 0.1)):
        uncertainty = row.values[quantity].uncertainty
        assert uncertainty is not None
        assert uncertainty.combined == pytest.approx(0.63 * seconds)


def test_indices_of_the_energy_have_its_relative_error() -> None:
    phases = invented_result().phases
    row = row_of(invented_result(power=power(phases, 3.0, scale=0.3)))
    for quantity in (Q.PAPER_POWER, Q.MPI, Q.RER):
        uncertainty = row.values[quantity].uncertainty
        assert uncertainty is not None
        assert uncertainty.combined == pytest.approx(0.1 * row.values[quantity].mean)


def test_devices_of_one_name_are_told_apart_by_their_serial_number() -> None:
    boards = [invented_result(device=device("raspberrypi", serial=serial)) for serial in ("1000a1b2", "1000c3d4")]
    assert len(rows_of(map(record_of, boards))) == 2


def test_a_model_with_random_weights_has_times_and_no_scores() -> None:
    row = row_of(invented_result(subject=subject("int8", base=RANDOM_WEIGHTS)))
    assert row.mean(Q.SECONDS_PER_TWEET) == pytest.approx(0.1)
    assert row.mean(Q.ACCURACY) is None
    assert row.mean(Q.MPI) is None
    assert not row.has_scores
    assert "its labels mean nothing" in says(row, Q.ACCURACY)


def test_reliability_and_sensitivity_are_means_over_the_entities() -> None:
    labelled = tweets(80, 10.0)
    gold = ["positive", "neutral"] * (TWEETS // 2)
    named = {"gold": gold, "given": gold, "entities": ["RL2013D01E001", "RL2013D01E002"] * (TWEETS // 2)}
    one_class_each = row_of(invented_result(tweets=labelled.model_copy(update=named)))
    assert one_class_each.mean(Q.REPLAB_F) == 0.0  # without two classes in an entity there are no relations
    named["entities"] = ["RL2013D01E001"] * TWEETS
    both_classes = row_of(invented_result(tweets=labelled.model_copy(update=named)))
    assert both_classes.mean(Q.REPLAB_F) == both_classes.mean(Q.RELIABILITY) == both_classes.mean(Q.SENSITIVITY) == 1.0


def test_data_without_entities_has_no_reliability() -> None:
    assert row_of(invented_result()).mean(Q.REPLAB_F) is None


def test_runs_on_different_tweets_are_a_caveat_of_the_scores() -> None:
    labelled = tweets(80, 10.0)
    other = labelled.model_copy(update={"gold": ["neutral", *labelled.gold[1:]]})
    row = row_of(invented_result(), invented_result(seed=1, tweets=other))
    assert "the runs labelled different tweets" in says(row, Q.ACCURACY)


def test_the_clock_of_another_computer_is_a_caveat_of_the_energy() -> None:
    measured = invented_result().power
    assert measured is not None
    recorded = measured.model_copy(update={"clock_offset_seconds": -0.8, "clock_error_seconds": 0.1})
    assert "whose clock was -0.8 s ± 0.1 s" in says(row_of(invented_result(power=recorded)), Q.JOULES_PER_TWEET)
