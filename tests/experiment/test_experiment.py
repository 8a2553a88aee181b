"""The command with real processes and a model with a vocabulary of a dozen words."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from stream.commands import experiment as command_module
from stream.commands.experiment import run_experiment
from stream.experiment import run as run_module
from stream.experiment.device import serial_number
from stream.experiment.index import read_index
from stream.experiment.record import record_of
from stream.experiment.results import CellResult, cell_path, read_cell
from stream.experiment.summary import summarise
from stream.power.energy import Energy
from stream.power.reading import Estimate, Reading
from stream.power.recording import open_recording, row
from tests.integration import program
from tests.unit.tiny_bundle import MAX_TOKENS, write_bundle

TWEETS = [("lovely nice street", "positive"), ("awful sad train", "negative"), ("a street", "neutral")] * 20
QUICK = "before_seconds = 0.3\nafter_seconds = 0.3\nsamples_per_second = 50\npilot_tweets = 0\n"
SLOW = "before_seconds = 60\npilot_tweets = 0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle and labelled tweets."""
    return prepared(tmp_path)


@pytest.fixture
def finished(ran: Path, tmp_path: Path) -> Path:
    """A copy of a folder with a plan and its results in `out`."""
    return Path(shutil.copytree(ran, tmp_path / "ran"))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = prepared(tmp_path_factory.mktemp("experiment"))
    done = run(write_plan(folder), folder / "out", "--node", "pi-a")
    assert done.returncode == 0, done.stderr
    return folder


def prepared(tmp_path: Path) -> Path:
    """Write a bundle and tweets, one of which is empty after cleaning."""
    write_bundle(tmp_path / "bundle")
    lines = [{"id": str(number), "text": text, "polarity": gold} for number, (text, gold) in enumerate(TWEETS)]
    lines[0]["entity"] = "RL2013D01E001"
    lines.append({"id": "empty", "text": "\u0001", "polarity": "neutral"})
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def write_plan(folder: Path, head: str = QUICK, model: str = "") -> Path:
    path = folder / "plan.toml"
    path.write_text(f'{head}[data]\ntest = "test.jsonl"\n[[models]]\nname = "tiny"\npath = "bundle"\n{model}')
    return path


def command(plan: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "stream", "experiment", str(plan), "--out", str(out), *more]


def run(plan: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return program.ran("experiment", plan, "--out", out, *more)


def index(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "index.jsonl").read_text().splitlines()]


def result(out: Path, seed: int = 0) -> CellResult:
    return read_cell(cell_path(out, f"tiny-test-1threads-seed{seed}"))


def test_a_run_records_what_the_paper_measured(ran: Path) -> None:
    out = ran / "out"
    found = result(out)
    assert found.device.node == "pi-a"
    assert found.device.memory_bytes == psutil.virtual_memory().total
    assert found.data.refused == 1
    assert len(found.tweets.gold) == len(TWEETS)
    assert max(found.tweets.padded_tokens) <= MAX_TOKENS
    assert found.phases.before.end_seconds <= found.phases.during.start_seconds
    assert found.phases.during.end_seconds <= found.phases.after.start_seconds
    assert summarise(found).accuracy == 1.0
    first_sample_seconds = found.samples.columns["seconds"][0]
    assert first_sample_seconds is not None
    assert first_sample_seconds <= found.phases.before.start_seconds
    assert found.data.in_file == len(TWEETS) + 1
    assert (found.tweets.entities or []).count("RL2013D01E001") == 1
    assert found.device.serial == serial_number()
    assert [pair.monotonic_seconds for pair in found.clocks] == sorted(pair.monotonic_seconds for pair in found.clocks)


def test_the_index_has_the_record_of_each_run(ran: Path) -> None:
    (record,) = read_index(ran / "out" / "index.jsonl")
    assert record.model_dump_json() == record_of(result(ran / "out")).model_dump_json()
    assert index(ran / "out")[0]["accuracy"] == 1.0


def test_the_results_contain_no_text(ran: Path) -> None:
    for file in (ran / "out").rglob("*.json*"):
        assert "lovely" not in file.read_text()


def test_a_finished_run_is_not_repeated(finished: Path) -> None:
    out, plan = finished / "out", finished / "plan.toml"
    first = cell_path(out, "tiny-test-1threads-seed0").stat().st_mtime_ns
    again = run(plan, out, "--node", "pi-a")
    assert "1 were finished before" in again.stdout
    assert cell_path(out, "tiny-test-1threads-seed0").stat().st_mtime_ns == first
    assert len(index(out)) == 1


def test_a_killed_experiment_is_continued(folder: Path) -> None:
    out, plan = folder / "out", write_plan(folder, f"seeds = [0, 1, 2]\n{QUICK}")
    killed = kill_when(
        subprocess.Popen(command(plan, out), stderr=subprocess.PIPE), cell_path(out, "tiny-test-1threads-seed0")
    )
    before = cell_path(out, "tiny-test-1threads-seed0").read_bytes()
    finished_before = set((out / "cells").glob("*.json"))
    assert len(finished_before) < 3
    continued = run(plan, out)
    assert continued.returncode == 0, continued.stderr
    assert cell_path(out, "tiny-test-1threads-seed0").read_bytes() == before
    assert [line["seed"] for line in index(out)] == [0, 1, 2]
    assert killed.returncode == -signal.SIGKILL


def test_no_process_outlives_a_killed_experiment(folder: Path) -> None:
    plan = write_plan(folder, SLOW)
    with subprocess.Popen(command(plan, folder / "out"), stderr=subprocess.DEVNULL) as experiment:
        (monitor,) = wait_for_children(experiment.pid)
        experiment.kill()
    psutil.wait_procs([monitor], timeout=30)
    assert not monitor.is_running()


def test_a_worker_ends_with_its_stdin() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "stream.experiment.worker"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as worker:
        assert worker.stdin is not None
        worker.stdin.close()
        assert worker.wait(timeout=60) != 0


def test_ctrl_c_ends_an_experiment_without_a_traceback(folder: Path) -> None:
    plan = write_plan(folder, SLOW)
    with subprocess.Popen(command(plan, folder / "out"), stderr=subprocess.PIPE, text=True) as experiment:
        wait_for_children(experiment.pid)
        experiment.send_signal(signal.SIGINT)
        _, errors = experiment.communicate(timeout=60)
    assert experiment.returncode == 130
    assert "Traceback" not in errors


def test_a_folder_with_the_results_of_another_plan_is_refused(finished: Path) -> None:
    other = run(write_plan(finished, f"seeds = [5]\n{QUICK}"), finished / "out")
    assert other.returncode == 66
    assert "holds the results of another plan" in other.stderr


def test_a_folder_with_the_results_of_another_device_is_refused(finished: Path) -> None:
    other = run(finished / "plan.toml", finished / "out", "--node", "pi-b")
    assert other.returncode == 66
    assert re.search(r"was measured on 'pi-a' \(.*\), and this is 'pi-b'", other.stderr)


def test_results_of_another_schema_stop_an_experiment_before_it_begins(finished: Path) -> None:
    out, plan = finished / "out", finished / "plan.toml"
    path = cell_path(out, "tiny-test-1threads-seed0")
    path.write_text(path.read_text().replace('"schema":2', '"schema":3'))
    again = run(plan, out)
    assert again.returncode == 66
    assert "results of schema 3, and this version reads the schemas 1 and 2" in again.stderr


def test_a_damaged_bundle_gives_one_line(folder: Path) -> None:
    plan = write_plan(folder, f'{QUICK}power.source = "none"\n')
    (folder / "bundle" / "model.tflite").write_bytes(b"nonsense")
    done = run(plan, folder / "out")
    assert done.returncode == 66
    assert len(done.stderr.splitlines()) == 1
    assert "the bundle is damaged or was changed" in done.stderr


def test_an_unknown_kind_of_model_is_named(folder: Path) -> None:
    done = run(write_plan(folder, model='kind = "abacus"\n'), folder / "out")
    assert done.returncode == 66
    assert "models.kind = 'abacus' of 'tiny' is not one of bundle" in done.stderr


def test_a_wrong_precision_of_a_bundle_is_named(folder: Path) -> None:
    done = run(write_plan(folder, model='precisions = ["int8"]\n'), folder / "out")
    assert done.returncode == 66
    assert "is float32, and the plan says int8" in done.stderr


def start_in_a_second(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Return a time that comes a second after the first look at the clock, however long the preparation takes."""
    start_at = datetime(2030, 1, 1, tzinfo=UTC)
    looked_at: list[float] = []

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            looked_at.append(time.monotonic())
            return cls(2029, 12, 31, 23, 59, 59, tzinfo=tz) + timedelta(seconds=looked_at[-1] - looked_at[0])

    monkeypatch.setattr(run_module, "datetime", Clock)
    monkeypatch.setattr(command_module, "log_to_stderr", lambda *_: None)  # it would change the log of this process
    return start_at


def test_a_run_starts_at_the_time_in_the_plan(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_at = start_in_a_second(monkeypatch)
    out = folder / "out"
    plan = write_plan(folder, f"start_at = {start_at.isoformat()}\n{QUICK}")
    run_experiment(plan, out, "pi-a")
    assert result(out).started_at >= start_at
    assert result(out).planned_at == start_at


def test_a_start_in_the_past_is_refused(folder: Path) -> None:
    start_at = datetime.now(UTC) - timedelta(hours=3)
    done = run(write_plan(folder, f"start_at = {start_at.isoformat()}\n{QUICK}"), folder / "out")
    assert done.returncode == 66
    assert "was 3.0 hours ago" in done.stderr


def test_an_interrupted_experiment_is_continued_after_its_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_at = start_in_a_second(monkeypatch)
    plan = write_plan(folder, f"seeds = [0, 1]\nstart_at = {start_at.isoformat()}\n{QUICK}")
    run_experiment(plan, folder / "out", None)
    cell_path(folder / "out", "tiny-test-1threads-seed1").unlink()
    run_experiment(plan, folder / "out", None)
    assert result(folder / "out", seed=1)


def test_all_seeds_label_the_same_tweets_in_another_order(folder: Path) -> None:
    plan = write_plan(folder, f"seeds = [0, 1]\ntweets = 9\n{QUICK}")
    assert run(plan, folder / "out").returncode == 0
    first, second = (result(folder / "out", seed).tweets for seed in (0, 1))
    assert len(first.gold) == 9
    assert sorted(first.gold) == sorted(second.gold)
    assert first.gold != second.gold


def test_the_duration_is_estimated_before_the_first_run(folder: Path) -> None:
    plan = write_plan(folder, "seeds = [0, 1]\nbefore_seconds = 3000\nafter_seconds = 600\npilot_tweets = 2\n")
    done = run(plan, folder / "out", "--estimate")
    assert done.stdout.strip() == "2 runs with 122 tweets in all: about 2.0 hours."
    assert not list((folder / "out" / "cells").iterdir())


def test_a_machine_without_a_meter_is_announced(folder: Path) -> None:
    plan = write_plan(folder)
    done = run(plan, folder / "out")
    has_counter = result(folder / "out").power is not None
    assert ("Warning: power is not measured" in done.stderr) != has_counter
    assert ("in the plan's [power]" in done.stderr) != has_counter


def test_the_recorded_power_of_another_computer_is_added_to_finished_runs(finished: Path) -> None:
    out, plan = finished / "out", finished / "plan.toml"
    start, end = result(out).clocks
    offset_seconds = 3600.0
    with open_recording(finished / "watts.csv") as write:
        for number in range(int(end.unix_seconds - start.unix_seconds) + 3):
            written = row(Reading(1.0, Estimate(4.0, offset=0.5)), Energy(), "acs712")
            write(written | {"unix_seconds": start.unix_seconds + offset_seconds + number})
    options = ("--power-record", str(finished / "watts.csv"), "--clock-offset", str(offset_seconds), "0.1")
    done = run(plan, out, "--node", "pi-a", *options)
    assert done.returncode == 0, done.stderr
    found = result(out)
    assert found.power is not None
    assert (found.power.source, found.power.clock_offset_seconds) == ("acs712", offset_seconds)
    assert (watts := summarise(found).during.watts) is not None
    assert watts.value == pytest.approx(4.0)
    assert watts.standard_error == pytest.approx(0.5)
    assert index(out)[0]["power_source"] == "acs712"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--power-record", "watts.csv"), "watts.csv has another computer's clock: state with --clock-offset"),
        (("--clock-offset", "1", "0.1"), "name it with --power-record FILE"),
        (("--power-record", "watts.csv", "--clock-offset", "1", "-0.1"), "not below 0"),
    ],
)
def test_a_recording_needs_its_clock_and_a_clock_its_recording(
    folder: Path, options: tuple[str, ...], says: str
) -> None:
    done = run(write_plan(folder), folder / "out", *options)
    assert done.returncode == 66
    assert says in done.stderr


def kill_when(process: subprocess.Popen[bytes], path: Path) -> subprocess.Popen[bytes]:
    """Kill a process, as kill -9 does, when a file exists."""
    with process:
        while not path.exists():
            assert process.poll() is None, "it ended before it wrote the file"
            time.sleep(0.01)
        process.kill()
    return process


def wait_for_children(process_id: int) -> Sequence[psutil.Process]:
    """Return the children of a process that has just been started."""
    process = psutil.Process(process_id)
    while not (children := process.children()):
        assert process.is_running()
        os.sched_yield()
    return children
