import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from stream.errors import InputError
from stream.experiment.results import CELLS_FOLDER, CellResult, write_cell
from tests.report.invented import FILE_BYTES, invented_result, samples, subject
from training.report.figures.bars import FIGURE_4, bars
from training.report.figures.tradeoff import pareto_front
from training.report.quantities import Quantity
from training.report.report import Wishes, write_report
from training.report.rows import rows_of
from training.report.spread import wilson_interval
from training.report.tables import rounded

DEVICES = {"pi-a": 40.0, "pi-b": 30.0, "pi-c": 15.0}
"""Seconds in float32, invented."""
TABLES = Wishes(with_paper=False, with_pictures=False)
PRECISIONS = {"float32": 1.0, "float16": 0.95, "int8": 0.5}


def nine_pairs(seeds: int = 2) -> list[CellResult]:
    return [
        invented_result(
            node=node,
            precision=precision,
            seed=seed,
            seconds=seconds * factor * (1 + 0.02 * seed),
            watts=4.0 + seconds / 20,
            correct=80 + seed - (precision == "int8"),
        )
        for node, seconds in DEVICES.items()
        for precision, factor in PRECISIONS.items()
        for seed in range(seeds)
    ]


def written(folder: Path, results: Sequence[CellResult]) -> list[Path]:
    """The results of each device in a folder of its own."""
    folders = {result.device.node: folder / result.device.node for result in results}
    for result in results:
        place = folders[result.device.node]
        (place / CELLS_FOLDER).mkdir(parents=True, exist_ok=True)
        write_cell(place, result)
    return list(folders.values())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nine-pairs")
    write_report(written(folder, nine_pairs()), folder / "report", Wishes())
    return folder / "report"


@pytest.fixture(scope="module")
def markdown(report: Path) -> str:
    return (report / "report.md").read_text(encoding="utf-8")


def test_there_is_a_table_for_each_of_the_papers(markdown: str) -> None:
    for table in ("Table II.", "Table III.", "Table IV."):
        assert f"**{table}" in markdown


@pytest.mark.parametrize(
    "name", ["figure-4", "figure-5", "figure-6", "figure-7", "trade-off", "figure-5-paper", "figure-7-paper"]
)
def test_there_is_a_picture_for_each_of_the_papers_and_of_its_own_rows_and_one_more(
    report: Path, markdown: str, name: str
) -> None:
    assert (report / "figures" / f"{name}.png").stat().st_size > 10_000
    assert (report / "figures" / f"{name}.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert f"](figures/{name}.svg)" in markdown


def test_every_picture_tells_its_numbers_to_whoever_does_not_see_it(markdown: str) -> None:
    words = re.findall(r"!\[(.*?)\]\(figures", markdown)
    assert len(words) == 7
    assert all(("pi-c" in each or "(paper)" in each) and re.search(r"\d", each) for each in words)


def test_the_page_needs_no_other_file(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 7
    assert not re.search(r'(src|href)="(?!#)', page)


def test_the_ids_of_two_pictures_in_a_page_do_not_meet(report: Path) -> None:
    ids = re.findall(r'\bid="([^"]+)"', (report / "report.html").read_text(encoding="utf-8"))
    assert len(ids) == len(set(ids))


def test_every_reference_in_the_page_has_its_target(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    targets = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page))
    assert targets <= set(re.findall(r'\bid="([^"]+)"', page))


def test_means_stand_with_their_deviation_over_the_seeds(markdown: str) -> None:
    line = next(line for line in markdown.splitlines() if line.startswith("| pi-a | mobilebert | 32 bit | 2 | 98.0"))
    assert "80.5 ± 0.7" in line


def test_the_papers_rows_stand_beside_ours_with_their_slip_marked(markdown: str) -> None:
    assert "| Raspberry Pi 3B (paper) | mobilebert | 32 bit |" in markdown
    assert re.search(r"\| Raspberry Pi 3B\+ \(paper\) .* 44,999 \[[a-z]\]", markdown)


def test_the_papers_rows_can_be_left_out(tmp_path: Path) -> None:
    write_report(written(tmp_path, [invented_result()]), tmp_path / "report", TABLES)
    assert "| Raspberry Pi" not in (tmp_path / "report" / "report.md").read_text(encoding="utf-8")


def test_results_of_another_schema_are_left_out_and_named(tmp_path: Path) -> None:
    (folder,) = written(tmp_path, [invented_result()])
    stranger = folder / CELLS_FOLDER / "stranger.json"
    stranger.write_text(json.dumps({"schema": 7, "cell": "stranger"}))
    write_report([folder], tmp_path / "report", TABLES)
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "stranger.json: results of schema 7, and this version reads schema 1" in markdown
    assert "1 runs on 1 device" in markdown


def test_results_that_are_given_twice_count_once(tmp_path: Path) -> None:
    (folder,) = written(tmp_path, [invented_result()])
    write_report([folder, folder / CELLS_FOLDER / "mobilebert-int8-seed0.json"], tmp_path / "report", TABLES)
    assert "the same run as one before" in (tmp_path / "report" / "report.md").read_text(encoding="utf-8")


def test_a_throttled_run_is_marked_beside_the_numbers_it_touches(tmp_path: Path) -> None:
    phases = invented_result().phases
    results = [invented_result(), invented_result(seed=1, samples=samples(phases, throttled=0b100))]
    write_report(written(tmp_path, results), tmp_path / "report", TABLES)
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    latency = next(line for line in markdown.splitlines() if "100 ± 0 [a]" in line)
    assert latency.startswith("| pi-a |")
    assert "[a] Seed 1: the device held back: throttled." in markdown


def test_without_a_meter_the_report_has_no_energy_and_says_why(tmp_path: Path) -> None:
    results = [invented_result(watts=None, precision=precision) for precision in PRECISIONS]
    write_report(written(tmp_path, results), tmp_path / "report", TABLES)
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    absent = next(line for line in markdown.splitlines() if "Energy a tweet" in line)
    assert absent.startswith("Not shown, for no row has it (no meter, and no counter of the machine's own")


def test_a_picture_without_what_nobody_measured_says_so(tmp_path: Path) -> None:
    rows = rows_of([invented_result(watts=None)])
    drawn = bars(rows, FIGURE_4, tmp_path, "figure-4", "CPU, memory, power.")
    assert drawn is not None
    assert drawn.title == "CPU, memory, power. Without Power, which nothing here measured."
    assert bars(rows, FIGURE_4[-1:], tmp_path, "power", "Power.") is None


def test_a_picture_tells_two_models_of_one_device_apart_in_words(tmp_path: Path) -> None:
    other = invented_result(cell="other", model="other", subject=subject("int8", name="other"))
    drawn = bars(rows_of([invented_result(), other]), FIGURE_4, tmp_path, "figure-4", "CPU, memory, power.")
    assert drawn is not None
    assert "mobilebert, 8 bit" in drawn.alternative
    assert "other, 8 bit" in drawn.alternative


def test_a_checkpoint_in_the_results_gives_the_compression_both_ways(tmp_path: Path) -> None:
    large = subject(
        "float32", kind="tensorflow", name="bert-large", weights_bytes=1_340_000_000, checkpoint_bytes=4_020_000_000
    )
    results = [invented_result(), invented_result(cell="bert-large", model="bert-large", subject=large)]
    write_report(written(tmp_path, results), tmp_path / "report", TABLES)
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "| bert-large | mobilebert, 8 bit | 53.6 times | 161 times |" in markdown


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no results"):
        write_report([tmp_path], tmp_path / "report", TABLES)


def test_the_front_is_what_no_other_choice_beats() -> None:
    rows = rows_of(nine_pairs(seeds=1))
    names = {(row.device, row.precision) for row in pareto_front(rows)}
    assert ("pi-c", "int8") in names
    assert ("pi-c", "float16") in names
    assert ("pi-a", "float32") not in names


def test_a_choice_that_is_equal_to_another_is_not_beaten_by_it() -> None:
    rows = rows_of([invented_result(node="pi-a"), invented_result(node="pi-b")])
    assert len(pareto_front(rows)) == 2


def test_wilsons_interval_is_that_of_the_literature() -> None:
    low, high = wilson_interval(81, 263)  # Newcombe (1998), table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00"), (0.0123456, "0.0123"), (1.5, "1.50"), (99.96, "100.0"), (64719, "64,719"), (3.6e8, "3.6e+08")],
)
def test_numbers_are_written_to_three_digits(value: float, text: str) -> None:
    assert rounded(value, 3) == text


def test_every_file_size_is_the_papers(markdown: str) -> None:
    for size in FILE_BYTES.values():
        assert f"| {size / 1e6:.1f} ± 0.0 |" in markdown


def test_quantities_have_a_unit_or_are_an_index() -> None:
    assert {quantity.name for quantity in Quantity if not quantity.manner.unit} == {"SI", "MPI", "RER"}
