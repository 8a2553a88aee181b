"""The command as a user has it, with real processes and a model of a dozen words."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from stream.experiment.results import CellResult, cell_path, read_cell
from stream.experiment.summary import summarise
from tests.unit.tiny_bundle import MAX_TOKENS, write_bundle

TWEETS = [("lovely nice street", "positive"), ("awful sad train", "negative"), ("a street", "neutral")] * 20
QUICK = "before_seconds = 0.3\nafter_seconds = 0.3\nsamples_per_second = 50\n"
SLOW_QUIET_SECONDS = 60.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle and labelled tweets."""
    return prepared(tmp_path)


@pytest.fixture
def finished(ran: Path, tmp_path: Path) -> Path:
    """A folder whose plan has been run, into `out`, for the test alone."""
    return Path(shutil.copytree(ran, tmp_path / "ran"))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = prepared(tmp_path_factory.mktemp("experiment"))
    done = run(write_plan(folder), folder / "out", "--node", "pi-a")
    assert done.returncode == 0, done.stderr
    return folder


def prepared(tmp_path: Path) -> Path:
    """One of the tweets holds nothing but what cleaning takes away."""
    write_bundle(tmp_path / "bundle")
    lines = [{"id": str(number), "text": text, "polarity": gold} for number, (text, gold) in enumerate(TWEETS)]
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
    return subprocess.run(command(plan, out, *more), capture_output=True, text=True, check=False)


def index(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "index.jsonl").read_text().splitlines()]


def result(out: Path, seed: int = 0) -> CellResult:
    return read_cell(cell_path(out, f"tiny-test-1threads-seed{seed}"))


def test_a_run_records_what_the_paper_recorded(ran: Path) -> None:
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
    assert index(out)[0]["accuracy"] == 1.0


def test_no_text_is_in_the_results(ran: Path) -> None:
    for file in (ran / "out").rglob("*.json*"):
        assert "lovely" not in file.read_text()


def test_what_is_done_is_not_done_again(finished: Path) -> None:
    out, plan = finished / "out", finished / "plan.toml"
    first = cell_path(out, "tiny-test-1threads-seed0").stat().st_mtime_ns
    again = run(plan, out, "--node", "pi-a")
    assert "1 were there already" in again.stdout
    assert cell_path(out, "tiny-test-1threads-seed0").stat().st_mtime_ns == first
    assert len(index(out)) == 1


def test_an_experiment_that_was_killed_goes_on_where_it_was(folder: Path) -> None:
    out, plan = folder / "out", write_plan(folder, f"seeds = [0, 1, 2]\n{QUICK}")
    killed = kill_when(
        subprocess.Popen(command(plan, out), stderr=subprocess.PIPE), cell_path(out, "tiny-test-1threads-seed0")
    )
    before = cell_path(out, "tiny-test-1threads-seed0").read_bytes()
    finished_before = set((out / "cells").glob("*.json"))
    assert len(finished_before) < 3
    assert run(plan, out).returncode == 0
    assert cell_path(out, "tiny-test-1threads-seed0").read_bytes() == before
    assert [line["seed"] for line in index(out)] == [0, 1, 2]
    assert killed.returncode == -signal.SIGKILL


def test_nothing_outlives_an_experiment_that_was_killed(folder: Path) -> None:
    plan = write_plan(folder, f"before_seconds = {SLOW_QUIET_SECONDS}\n")
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


def test_ctrl_c_ends_it_without_a_traceback(folder: Path) -> None:
    plan = write_plan(folder, f"before_seconds = {SLOW_QUIET_SECONDS}\n")
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
    assert "was measured on 'pi-a', and this is 'pi-b'" in other.stderr


def test_results_of_another_schema_stop_an_experiment_before_it_begins(finished: Path) -> None:
    out, plan = finished / "out", finished / "plan.toml"
    path = cell_path(out, "tiny-test-1threads-seed0")
    path.write_text(path.read_text().replace('"schema":1', '"schema":2'))
    again = run(plan, out)
    assert again.returncode == 66
    assert "results of schema 2, and this version reads schema 1" in again.stderr


def test_a_bundle_that_is_damaged_is_told_in_one_line(folder: Path) -> None:
    plan = write_plan(folder)
    (folder / "bundle" / "model.tflite").write_bytes(b"nonsense")
    done = run(plan, folder / "out")
    assert done.returncode == 66
    assert len(done.stderr.splitlines()) == 1
    assert "the bundle is damaged or was changed" in done.stderr


def test_a_kind_of_model_that_nobody_installed_is_told(folder: Path) -> None:
    done = run(write_plan(folder, model='kind = "abacus"\n'), folder / "out")
    assert done.returncode == 66
    assert "models.kind = 'abacus' of 'tiny' is none of bundle" in done.stderr


def test_a_precision_that_a_bundle_has_not_is_told(folder: Path) -> None:
    done = run(write_plan(folder, model='precisions = ["int8"]\n'), folder / "out")
    assert done.returncode == 66
    assert "is float32, and the plan says int8" in done.stderr


def test_devices_begin_together_where_the_plan_says_when(folder: Path) -> None:
    start_at = datetime.now(UTC) + timedelta(seconds=3)
    out = folder / "out"
    assert run(write_plan(folder, f"start_at = {start_at.isoformat()}\n{QUICK}"), out).returncode == 0
    assert result(out).started_at >= start_at
    assert result(out).planned_at == start_at


def kill_when(process: subprocess.Popen[bytes], path: Path) -> subprocess.Popen[bytes]:
    """Kill a process, as kill -9 does, when a file is there."""
    with process:
        while not path.exists():
            assert process.poll() is None, "it ended before it wrote the file"
            time.sleep(0.01)
        process.kill()
    return process


def wait_for_children(process_id: int) -> Sequence[psutil.Process]:
    """Those of a process that has just been started."""
    process = psutil.Process(process_id)
    while not (children := process.children()):
        assert process.is_running()
        os.sched_yield()
    return children
