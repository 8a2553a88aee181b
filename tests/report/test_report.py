"""The whole report: tables, figures, Markdown, HTML and the command."""

import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from matplotlib.figure import Figure as Picture

from stream.errors import InputError
from stream.experiment.device import describe_device
from stream.experiment.folder import ResultsFolder
from stream.experiment.index import INDEX_FILE, write_index
from stream.experiment.record import record_of
from stream.experiment.recorded_power import Clock
from stream.experiment.results import CELLS_FOLDER, CellResult, Device, write_cell
from stream.power.energy import Energy
from stream.power.reading import Estimate, Reading
from stream.power.recording import open_recording, row
from tests.integration.program import ran
from tests.report.invented import FILE_BYTES, STARTED_AT, device, invented_result, samples, subject
from training.report.figures.dots import FIGURE_4, dots
from training.report.figures.style import spaced
from training.report.loading import Loaded, Recording, load_results, recording_named
from training.report.quantities import Quantity
from training.report.report import ReportOptions, write_report
from training.report.rows import device_identity, rows_of
from training.report.tables import rounded

DEVICES = {"pi-a": 40.0, "pi-b": 30.0, "pi-c": 15.0}
"""Seconds in float32, invented."""
EXAMPLE = Path(__file__).parents[2] / "docs" / "paper"
TABLES = ReportOptions(with_paper=False, with_pictures=False)
PRECISIONS = {"float32": 1.0, "float16": 0.95, "int8": 0.5}
FIGURES = ["figure-4", "figure-4c", "figure-5", "figure-6", "figure-7", "trade-off"]
PAPER_FIGURES = ["figure-4-paper", "figure-4c-paper", "figure-5-paper", "figure-7-paper"]


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
    """Write the results of each device into a folder of its own."""
    folders = {result.device.node: folder / result.device.node for result in results}
    for result in results:
        place = folders[result.device.node]
        (place / CELLS_FOLDER).mkdir(parents=True, exist_ok=True)
        write_cell(place, result)
    return list(folders.values())


def reported(folder: Path, results: Sequence[CellResult], options: ReportOptions = TABLES) -> str:
    """Return the report of results, as Markdown."""
    write_report(written(folder, results), folder / "report", options)
    return (folder / "report" / "report.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nine-pairs")
    write_report(written(folder, nine_pairs()), folder / "report", ReportOptions())
    return folder / "report"


@pytest.fixture(scope="module")
def markdown(report: Path) -> str:
    return (report / "report.md").read_text(encoding="utf-8")


def test_the_tables_have_the_numbers_of_the_paper(markdown: str) -> None:
    for table in ("Table II. Hardware", "Table III. Scores", "Table IV. Devices and precisions"):
        assert f"**{table}" in markdown


def test_table_ii_has_our_hardware_and_the_papers(markdown: str) -> None:
    assert "| pi-a | An invented board | 4 | \N{EN DASH} | 3.7 GiB | \N{EN DASH} |" in markdown
    assert "| Raspberry Pi 3B+ (paper) | Broadcom BCM2837 SoC | \N{EN DASH} | 1.4 | 1 GB | 32GB uSD |" in markdown


def test_table_iii_has_the_papers_averages_with_plus_minus_and_maxima(markdown: str) -> None:
    assert re.search(
        r"\| Embedded device \(paper\) .* 0\.683 ± 0\.0179 \| 0\.601 ± 0\.002 \| 0\.69 \| 0\.61 \|", markdown
    )


def test_table_iv_has_all_nine_rows_of_the_paper_with_one_marked_time(markdown: str) -> None:
    table = markdown[markdown.index("**Table IV") :].split("\n\n")[1]
    rows = [line for line in table.splitlines() if "(paper)" in line]
    assert len(rows) == 9
    assert [line for line in rows if "[" in line] == [line for line in rows if "44,999 [" in line]


@pytest.mark.parametrize("name", [*FIGURES, *PAPER_FIGURES])
def test_every_figure_is_drawn_and_included(report: Path, markdown: str, name: str) -> None:
    assert (report / "figures" / f"{name}.png").stat().st_size > 10_000
    assert (report / "figures" / f"{name}.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert f"](figures/{name}.svg)" in markdown


def test_every_figure_has_its_numbers_as_text(markdown: str) -> None:
    words = re.findall(r"!\[(.*?)\]\(figures", markdown)
    assert len(words) == len(FIGURES + PAPER_FIGURES)
    assert all(("pi-c" in each or "(paper)" in each) and re.search(r"\d", each) for each in words)


def test_the_page_needs_no_other_file(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == len(FIGURES + PAPER_FIGURES)
    assert not re.search(r'(src|href)="(?!#)', page)


def test_all_ids_of_the_page_are_different(report: Path) -> None:
    ids = re.findall(r'\bid="([^"]+)"', (report / "report.html").read_text(encoding="utf-8"))
    assert len(ids) == len(set(ids))


def test_every_reference_in_the_page_has_its_target(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    targets = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page))
    assert targets <= set(re.findall(r'\bid="([^"]+)"', page))


def test_wide_tables_are_printed_on_landscape_pages(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    assert re.search(r'<div class="table wide[^"]*"><table><caption>Table IV', page)
    assert "@page wide { size: A4 landscape;" in page


def test_means_are_shown_with_their_deviation_over_the_seeds(markdown: str) -> None:
    line = next(line for line in markdown.splitlines() if line.startswith("| pi-a | mobilebert | 32 bit | 2 | 0."))
    assert "0.805 ± 0.007" in line


def test_energy_is_shown_with_idle_power_and_above_idle(markdown: str) -> None:
    head = next(line for line in markdown.splitlines() if "Energy per correct label" in line)
    assert "| Idle power (W) | Mean power (W) | Power above idle (W) | Energy per tweet (J) |" in head
    assert "| Energy per tweet, above idle (J) |" in head


def test_the_parts_of_the_uncertainty_of_energy_are_shown(markdown: str) -> None:
    assert "**Uncertainty of power and energy**" in markdown
    assert "| Runs (type A) | Meter: offset (type B) | Meter: gain, supply, clock (type B) | Combined |" in markdown


def test_the_papers_statements_are_shown_with_their_verdicts(markdown: str) -> None:
    assert "| All 8-bit models classify at least one tweet per second" in markdown
    assert "| does not hold |" in markdown


def test_the_report_says_what_the_indices_mean(markdown: str) -> None:
    assert "SI is the speed index, Q the number of quantisation bits, t the total time in seconds" in markdown


def test_the_papers_rows_can_be_left_out(tmp_path: Path) -> None:
    assert "(paper)" not in reported(tmp_path, [invented_result()])


def test_the_paper_alone_makes_a_report(tmp_path: Path) -> None:
    write_report([], tmp_path, ReportOptions(with_pictures=False))
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "The paper's own numbers." in markdown
    assert "| Raspberry Pi 4B (paper) | mobilebert | 8 bit |" in markdown


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a report needs results, the paper's numbers, or both"):
        write_report([], tmp_path, TABLES)


def test_an_index_gives_the_same_report_as_its_results(tmp_path: Path) -> None:
    results = [invented_result(seed=seed, seconds=10.0 + seed) for seed in range(3)]
    (folder,) = written(tmp_path, results)
    write_index(folder)
    write_report([folder], tmp_path / "of-results", TABLES)
    write_report([folder / INDEX_FILE], tmp_path / "of-index", TABLES)
    first, second = ((tmp_path / name / "report.md").read_text() for name in ("of-results", "of-index"))
    assert first == second


def empty_picture(_picture: Picture, file: Path | io.StringIO, **_: object) -> None:
    if isinstance(file, io.StringIO):
        file.write("<svg></svg>")


def test_the_example_in_the_documentation_is_made_from_its_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Picture, "savefig", empty_picture)  # the pictures themselves are not compared
    write_report([EXAMPLE / "runs.jsonl"], tmp_path, ReportOptions())
    assert (tmp_path / "report.md").read_text() == (EXAMPLE / "report.md").read_text()
    assert {file.name for file in (EXAMPLE / "figures").iterdir()} == {
        file.name for file in (tmp_path / "figures").glob("*.svg")
    }


def test_an_index_of_an_earlier_schema_is_refused(tmp_path: Path) -> None:
    index = tmp_path / "index.jsonl"
    index.write_text('{"schema": 1, "cell": "tiny"}\n')
    with pytest.raises(InputError, match="line 1: a record of schema 1; give the folder of results"):
        load_results([index])


def test_results_of_another_schema_are_left_out_and_named(tmp_path: Path) -> None:
    (folder,) = written(tmp_path, [invented_result()])
    (folder / CELLS_FOLDER / "newer.json").write_text(json.dumps({"schema": 7, "cell": "newer"}))
    write_report([folder], tmp_path / "report", TABLES)
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "newer.json: results of schema 7, and this version reads the schemas 1 and 2" in markdown
    assert "1 runs on 1 device" in markdown


def test_results_that_are_given_twice_count_once(tmp_path: Path) -> None:
    (folder,) = written(tmp_path, [invented_result()])
    loaded = load_results([folder, folder / CELLS_FOLDER / "mobilebert-int8-seed0.json"])
    assert len(loaded.records) == 1
    assert "the same run as" in loaded.left_out[0]


def test_three_devices_of_one_name_are_three_rows_with_their_serial_numbers(tmp_path: Path) -> None:
    folders = []
    for serial in ("10000000a1b2", "10000000c3d4", "10000000e5f6"):
        place = tmp_path / serial
        (place / CELLS_FOLDER).mkdir(parents=True)
        write_cell(place, invented_result(device=device("raspberrypi", serial=serial)))
        folders.append(place)
    write_report(folders, tmp_path / "report", TABLES)
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    for end in ("a1b2", "c3d4", "e5f6"):
        assert f"| raspberrypi …{end} | mobilebert | 8 bit | 1 |" in markdown
        assert f"| raspberrypi …{end} | An invented board | 10000000{end} |" in markdown


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        (device("pi", serial="1000a1b2"), device("pi", serial="1000c3d4"), "pi …a1b2"),
        (device("pi", serial="1000a1b2"), device("pi", serial="2000a1b2"), "pi 1000a1b2"),
        (device("pi"), device("pi", serial="1000a1b2"), "pi (An invented board)"),
        (device("pi", serial="1000a1b2"), device("pi-b", serial="1000c3d4"), "pi"),
    ],
)
def test_a_device_has_the_shortest_name_that_no_other_has(first: Device, second: Device, name: str) -> None:
    records = [record_of(invented_result(device=each)) for each in (first, second)]
    assert Loaded(records).device_names()[device_identity(records[0])] == name


def test_two_results_of_one_name_without_serial_numbers_are_refused(tmp_path: Path) -> None:
    first = invented_result(node="raspberrypi")
    second = first.model_copy(update={"started_at": STARTED_AT.replace(hour=13)})
    for number, result in enumerate((first, second)):
        (tmp_path / str(number) / CELLS_FOLDER).mkdir(parents=True)
        write_cell(tmp_path / str(number), result)
    with pytest.raises(InputError, match="two devices with one name, or one device measured twice"):
        load_results([tmp_path / "0", tmp_path / "1"])


def test_a_repeated_run_of_one_device_counts_once(tmp_path: Path) -> None:
    first = invented_result(device=device("pi-a", serial="1"))
    second = first.model_copy(update={"started_at": STARTED_AT.replace(hour=13)})
    for number, result in enumerate((first, second)):
        (tmp_path / str(number) / CELLS_FOLDER).mkdir(parents=True)
        write_cell(tmp_path / str(number), result)
    loaded = load_results([tmp_path / "0", tmp_path / "1"])
    assert len(loaded.records) == 1
    assert "a repetition of the same run" in loaded.left_out[0]


def test_the_power_that_another_computer_recorded_is_in_the_report(tmp_path: Path) -> None:
    results = [invented_result(node=node, watts=None) for node in ("pi-a", "pi-b")]
    with open_recording(tmp_path / "watts.csv") as write:
        for number in range(20):
            written_row = row(Reading(1.0, Estimate(3.0, offset=0.6)), Energy(), "acs712")
            write(written_row | {"unix_seconds": STARTED_AT.timestamp() + 100 + number})
    recording = Recording("pi-b", tmp_path / "watts.csv", Clock(100.0, 0.2))
    markdown = reported(tmp_path, results, replace(TABLES, recordings=(recording,)))
    energy = markdown[markdown.index("**Power and energy") :]
    assert re.search(r"\| pi-b \| mobilebert \| 8 bit \| 1 \| 3\.00 ± 0\.60 \[\w\] \| 3\.00 ± 0\.60", energy)
    assert re.search(r"\| pi-a \| mobilebert \| 8 bit \| 1 \| \N{EN DASH} \[\w\]", energy)
    assert "recorded by another computer, whose clock was +100 s" in markdown.replace("Recorded", "recorded")


def test_a_recording_of_an_unknown_node_is_refused(tmp_path: Path) -> None:
    with open_recording(tmp_path / "watts.csv") as write:
        write(row(Reading(1.0, Estimate(3.0)), Energy(), "acs712"))
    recording = Recording("pi-z", tmp_path / "watts.csv", Clock(0.0, 0.1))
    with pytest.raises(InputError, match="--power-record names pi-z, and the results are of pi-a"):
        load_results(written(tmp_path, [invented_result()]), [recording])


def test_a_recording_is_named_with_node_file_and_clock() -> None:
    assert recording_named("pi-b,watts.csv,-0.8,0.1") == Recording("pi-b", Path("watts.csv"), Clock(-0.8, 0.1))


@pytest.mark.parametrize(
    "text", ["watts.csv", "pi-b,watts.csv,0.8", "pi-b,watts.csv,soon,0.1", "pi-b,watts.csv,0.8,-1"]
)
def test_a_recording_without_a_clock_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--power-record"):
        recording_named(text)


def test_a_throttled_run_is_marked_beside_its_times(tmp_path: Path) -> None:
    phases = invented_result().phases
    results = [invented_result(), invented_result(seed=1, samples=samples(phases, throttled=0b100))]
    markdown = reported(tmp_path, results)
    latency = next(line for line in markdown.splitlines() if "100 ± 0 [a]" in line)
    assert latency.startswith("| pi-a |")
    assert "[a] Seed 1: the firmware slowed the processor down: throttled." in markdown


def test_without_a_meter_the_report_has_no_energy_and_gives_the_reason(tmp_path: Path) -> None:
    markdown = reported(tmp_path, [invented_result(watts=None, precision=precision) for precision in PRECISIONS])
    absent = next(line for line in markdown.splitlines() if "Energy per tweet" in line)
    assert absent.startswith("Power and energy, in physical units: nothing was measured.")
    assert "no power meter and no counter of the machine" in absent


def test_a_figure_without_a_quantity_says_so(tmp_path: Path) -> None:
    rows = rows_of([record_of(invented_result())])
    del rows[0].values[Quantity.MEMORY]
    drawn = dots(rows, FIGURE_4, tmp_path, "figure-4", "CPU and memory.")
    assert drawn is not None
    assert drawn.title == "CPU and memory. Without Memory, which was not measured."
    assert dots(rows, FIGURE_4[1:], tmp_path, "memory", "Memory.") is None


def test_the_text_of_a_figure_distinguishes_two_models_of_one_device(tmp_path: Path) -> None:
    other = invented_result(cell="other", model="other", subject=subject("int8", name="other"))
    rows = rows_of(map(record_of, [invented_result(), other]))
    drawn = dots(rows, FIGURE_4, tmp_path, "figure-4", "CPU and memory.")
    assert drawn is not None
    assert "mobilebert, 8 bit" in drawn.alternative
    assert "other, 8 bit" in drawn.alternative


@pytest.mark.parametrize("wanted", [[0.5] * 9, [0.0, 0.01, 0.99, 1.0], [0.1, 0.5, 0.9], []])
def test_labels_of_points_do_not_overlap_and_stay_inside(wanted: list[float]) -> None:
    heights = spaced(wanted, gap=0.1)
    assert all(upper - lower >= 0.1 - 1e-9 for lower, upper in pairwise(heights))
    assert all(-1e-9 <= height <= 1 + 1e-9 for height in heights)


def test_a_checkpoint_in_the_results_gives_both_kinds_of_compression(tmp_path: Path) -> None:
    large = subject(
        "float32", kind="tensorflow", name="bert-large", weights_bytes=1_340_000_000, checkpoint_bytes=4_020_000_000
    )
    results = [invented_result(), invented_result(cell="bert-large", model="bert-large", subject=large)]
    assert "| bert-large | mobilebert, 8 bit | 53.6 times | 161 times |" in reported(tmp_path, results)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no results"):
        write_report([tmp_path], tmp_path / "report", TABLES)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (0.0123456, "0.0123"),
        (1.5, "1.50"),
        (99.96, "100.0"),
        (64719, "64,719"),
        (3.6e8, "3.6e8"),
        (4.4e-4, "0.00044"),
        (4.4e-5, "4.4e-5"),
        (5e12, "5e12"),
    ],
)
def test_numbers_are_written_with_three_digits(value: float, text: str) -> None:
    assert rounded(value, 3) == text


def test_every_file_size_is_shown(markdown: str) -> None:
    for size in FILE_BYTES.values():
        assert f"| {size / 1e6:.1f} ± 0.0 |" in markdown


def test_quantities_without_a_unit_are_ratios_and_indices() -> None:
    assert {quantity.name for quantity in Quantity if not quantity.manner.unit} == {
        *("ACCURACY", "MACRO_F1", "RELIABILITY", "SENSITIVITY", "REPLAB_F"),
        *("SI", "MPI", "RER", "RER_OF_POWER"),
    }


def test_the_command_prints_the_papers_statements() -> None:
    done = ran("report", "--paper")
    assert done.returncode == 0, done.stderr
    assert "checked against its own tables" in done.stdout
    assert "does not hold" in done.stdout


def test_the_command_needs_a_folder_for_the_report_of_results(tmp_path: Path) -> None:
    done = ran("report", tmp_path, anew=True)
    assert done.returncode == 66
    assert "name the folder of the report with --out" in done.stderr


def test_results_that_this_version_measures_have_a_serial_number(tmp_path: Path) -> None:
    folder = ResultsFolder(tmp_path, describe_device("pi-a"))
    assert folder.device.serial is not None
