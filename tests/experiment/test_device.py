from dataclasses import dataclass
from pathlib import Path

import pytest

from stream.errors import InputError
from stream.experiment.cooling import Cooling
from stream.experiment.device import describe_device, serial_number
from stream.experiment.duration import in_words
from stream.experiment.folder import ResultsFolder
from stream.experiment.plan import load_plan
from stream.experiment.results import Device
from tests.report.invented import device, invented_result


def test_the_serial_number_is_that_of_the_board(tmp_path: Path) -> None:
    write(tmp_path / "proc/device-tree/serial-number", "10000000a1b2c3d4\0")
    write(tmp_path / "etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    assert serial_number(tmp_path) == "10000000a1b2c3d4"


def test_a_machine_without_a_serial_number_has_a_hash_of_its_machine_id(tmp_path: Path) -> None:
    write(tmp_path / "etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    serial = serial_number(tmp_path)
    assert serial is not None
    assert len(serial) == 16
    assert "0123456789abcdef" not in serial


def test_a_machine_without_both_has_no_serial_number(tmp_path: Path) -> None:
    assert serial_number(tmp_path) is None


def test_the_highest_frequency_of_all_cores_is_recorded(tmp_path: Path) -> None:
    for number, kilohertz in enumerate((1_500_000, 1_800_000)):
        write(tmp_path / f"sys/devices/system/cpu/cpufreq/policy{number}/cpuinfo_max_freq", f"{kilohertz}\n")
    assert describe_device("pi-a", tmp_path).max_hertz == 1.8e9


@pytest.mark.parametrize(
    ("here", "says"),
    [
        (device("pi-b"), "'pi-a' .* and this is 'pi-b'"),
        (device("pi-a", serial="2"), "serial number 1.* serial number 2"),
        (device("pi-a", model="Another board"), r"\(An invented board.*\(Another board"),
    ],
)
def test_results_of_another_device_are_refused(tmp_path: Path, here: Device, says: str) -> None:
    folder, plan = finished_folder(tmp_path, device("pi-a", serial="1"))
    with pytest.raises(InputError, match=says):
        ResultsFolder(folder, here).unfinished(load_plan(plan))


@pytest.mark.parametrize("there", [device("pi-a"), device("pi-a", serial="1")])
def test_results_of_the_same_device_are_continued(tmp_path: Path, there: Device) -> None:
    folder, plan = finished_folder(tmp_path, there)
    assert ResultsFolder(folder, device("pi-a", serial="1")).unfinished(load_plan(plan)) == []


@dataclass
class CoolingBoard:
    """A thermometer that shows one degree less at each reading."""

    celsius: float
    coldest: float = 40.0

    def __call__(self) -> float:
        self.celsius = max(self.coldest, self.celsius - 1)
        return self.celsius


@pytest.fixture
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.experiment.cooling._POLL_SECONDS", 0.001)


@pytest.mark.usefixtures("no_delay")
async def test_a_run_waits_until_the_processor_is_as_cool_as_at_the_start() -> None:
    board = CoolingBoard(40)
    cooling = Cooling(60, board)
    board.celsius = 60
    waited: list[float] = []
    assert await cooling.wait(waited.append) == waited[-1]
    assert board.celsius == 42


@pytest.mark.usefixtures("no_delay")
async def test_the_wait_for_a_cool_processor_has_an_end() -> None:
    board = CoolingBoard(40)
    cooling = Cooling(0.01, board)
    board.coldest = 70
    assert await cooling.wait(lambda _: None) == pytest.approx(0.01)


async def test_a_machine_without_a_sensor_does_not_wait() -> None:
    assert await Cooling(60, lambda: None).wait(lambda _: None) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 seconds"), (119, "119 seconds"), (300, "5.0 minutes"), (9000, "2.5 hours"), (844_000, "9.8 days")],
)
def test_a_duration_is_written_in_a_suitable_unit(seconds: float, text: str) -> None:
    assert in_words(seconds) == text


def finished_folder(tmp_path: Path, there: Device) -> tuple[Path, Path]:
    """A folder with the one run of a plan, measured on a device."""
    (tmp_path / "bundle").touch()
    (tmp_path / "test.jsonl").touch()
    plan = tmp_path / "plan.toml"
    plan.write_text('[data]\ntest = "test.jsonl"\n[[models]]\nname = "tiny"\npath = "bundle"\n')
    folder = ResultsFolder(tmp_path / "out", there)
    (cell,) = folder.unfinished(load_plan(plan))
    folder.add(invented_result(cell=cell.name, device=there))
    return folder.path, plan


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
