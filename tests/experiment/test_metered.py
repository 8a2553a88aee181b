"""An experiment on a device with a power meter: the real firmware on a simulated Uno."""

import asyncio
import json
from pathlib import Path

import pytest

from stream.experiment.device import describe_device
from stream.experiment.folder import ResultsFolder
from stream.experiment.plan import load_plan
from stream.experiment.results import cell_path, read_cell
from stream.experiment.run import Experiment
from stream.experiment.summary import summarise
from stream.power.current import NOMINAL_ZERO
from stream.power.frames import ZERO_SCALE
from stream.power.link import open_meter
from stream.power.simulator import simulated_uno
from tests.unit.tiny_bundle import write_bundle

WATTS = 5.0


class Silent:
    """A receiver of progress that ignores it, except for the notices."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def cell(self, name: str, number: int, cells: int) -> None: ...

    def phase(self, name: str, total: float) -> None: ...

    def done(self, completed: float) -> None: ...


def write_plan(folder: Path, port: str) -> Path:
    write_bundle(folder / "bundle")
    tweet = {"id": "1", "text": "lovely", "polarity": "positive"}
    (folder / "test.jsonl").write_text((json.dumps(tweet) + "\n") * 50)
    plan = folder / "plan.toml"
    plan.write_text(
        "before_seconds = 1\nafter_seconds = 1\npilot_tweets = 0\n"
        f'[power]\nport = "{port}"\nsupply_volts = 5.0\n'
        '[data]\ntest = "test.jsonl"\n[[models]]\nname = "tiny"\npath = "bundle"\n'
    )
    return plan


async def test_the_readings_of_the_meter_give_joules_with_their_error(simulator: Path, tmp_path: Path) -> None:
    async with simulated_uno(simulator, signals={"amperes": WATTS / 5, "noise": 0.0035}) as uno:
        async with open_meter(uno.port) as meter:
            await meter.identify()
            await meter.ask(f"T{NOMINAL_ZERO * ZERO_SCALE:.0f}")
        file = load_plan(await asyncio.to_thread(write_plan, tmp_path, uno.port))
        folder, progress = ResultsFolder(tmp_path / "out", describe_device("pi-test")), Silent()
        await Experiment(file, folder, progress).run(folder.unfinished(file))
    assert progress.notices == []
    result = read_cell(cell_path(tmp_path / "out", "tiny-test-1threads-seed0"))
    summary = summarise(result)
    assert result.power is not None
    assert result.power.source == "acs712-simulated"
    assert summary.joules is not None
    assert summary.during.watts is not None
    assert summary.before.watts is not None
    assert summary.during.watts.value == pytest.approx(WATTS, abs=0.1)
    assert summary.before.watts.value == pytest.approx(WATTS, abs=0.1)
    assert summary.joules.value == pytest.approx(WATTS * summary.measured_seconds, rel=0.02)
    assert summary.joules.standard_error > 0
    assert summary.idle_watts is not None
    assert summary.above_idle_watts is not None
    assert summary.above_idle_watts.value == pytest.approx(0, abs=0.1)
    assert summary.above_idle_watts.standard_error < summary.idle_watts.standard_error


async def test_a_meter_without_readings_is_announced_before_the_first_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.experiment.run._FIRST_READING_SECONDS", 0.1)
    file = load_plan(await asyncio.to_thread(write_plan, tmp_path, str(tmp_path / "ttyACM9")))
    folder, progress = ResultsFolder(tmp_path / "out", describe_device("pi-test")), Silent()
    await Experiment(file, folder, progress).run(folder.unfinished(file))
    (notice,) = progress.notices
    assert notice.startswith(f"Warning: no power reading from {tmp_path / 'ttyACM9'} within")
