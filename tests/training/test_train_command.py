import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from stream.errors import InputError
from tests.training.conftest import CONFIG
from tests.training.toy import FINETUNE, TELLING, recipe_of, write_network, write_texts, write_tweets
from training.cli import app
from training.errors import CheckpointError, TrainingError
from training.learning.console_monitor import console_monitor
from training.learning.run_data import DataFiles, read_run_data
from training.teachers.keys import SoftLabels, key_of

pytestmark = pytest.mark.training


def arguments(folder: Path, stages: str = FINETUNE, base: str = "nowhere/to-be-found") -> list[str]:
    recipe_of(folder, stages, base)
    data, dev = write_tweets(folder / "train.tsv", 60, seed=1), write_tweets(folder / "dev.tsv", 30, seed=2)
    out = folder / "run"
    return ["train", str(folder / "toy.toml"), "--data", str(data), "--dev", str(dev), "--out", str(out)]


def test_several_seeds_are_shown_with_mean_and_deviation(checkpoint_folder: Path, tmp_path: Path) -> None:
    base = write_network(tmp_path / "base", CONFIG, checkpoint_folder / "tokenizer.json")
    command = arguments(tmp_path, FINETUNE.replace("epochs = 5", "epochs = 1"), str(base))
    result = CliRunner().invoke(app, [*command, "--seeds", "2"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "mean ± sd" in result.stdout
    assert "seed 1 finetune" in result.stderr
    checkpoints = [load_file(tmp_path / f"run/{name}/checkpoint/model.safetensors") for name in ("seed-0", "seed-1")]
    averaged = load_file(tmp_path / "run/averaged/checkpoint/model.safetensors")["classifier.weight"]
    assert averaged == pytest.approx(np.mean([one["classifier.weight"] for one in checkpoints], axis=0))
    assert "averaged" in result.stdout
    summary = json.loads((tmp_path / "run/scores.json").read_text())
    assert summary["seeds"] == [0, 1]
    by_seed = summary["macro_recall"]["by_seed"]
    assert summary["macro_recall"]["mean"] == pytest.approx(sum(by_seed) / 2)


def test_seed_and_seeds_are_exclusive(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*arguments(tmp_path), "--seed", "3", "--seeds", "2"])
    assert result.exit_code == 2
    assert "not both" in result.stderr
    assert not (tmp_path / "run").exists()


def test_missing_unlabelled_tweets_or_teacher_is_an_error(tmp_path: Path) -> None:
    adapt = "[adapt]\nlearning_rate = 1e-4\nepochs = 1\n"
    distil = "[distil]\nlearning_rate = 1e-4\nepochs = 1\n"
    with pytest.raises(TrainingError, match="give --unlabelled"):
        CliRunner().invoke(app, arguments(tmp_path, FINETUNE + adapt), catch_exceptions=False)
    with pytest.raises(TrainingError, match="give one with --teacher"):
        CliRunner().invoke(app, arguments(tmp_path, distil), catch_exceptions=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("train.tsv", "is not FILE=NUMBER with a whole number from 1 on"),
        ("train.tsv=0", "is not FILE=NUMBER with a whole number from 1 on"),
        ("=2", "is not FILE=NUMBER"),
        ("elsewhere.tsv=2", "elsewhere.tsv is neither in --data nor in --unlabelled"),
    ],
)
def test_error_names_the_fault_in_a_repetition(tmp_path: Path, option: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        CliRunner().invoke(app, [*arguments(tmp_path), "--repeat", option], catch_exceptions=False)


def test_soft_labels_and_repetitions_are_options(checkpoint_folder: Path, tmp_path: Path) -> None:
    base = write_network(tmp_path / "base", CONFIG, checkpoint_folder / "tokenizer.json")
    distil = "[distil]\nlearning_rate = 1e-3\nepochs = 1\ngold_weight = 0\n"
    command = arguments(tmp_path, distil, str(base))
    data, texts = tmp_path / "train.tsv", write_texts(tmp_path / "texts.txt", 20, seed=3)
    keys = [key_of(tweet.text) for tweet in read_run_data(DataFiles([data], tmp_path / "dev.tsv")).labelled]
    labels = tmp_path / "labels.npz"
    SoftLabels.of(keys, np.zeros((len(keys), 3), np.float32), np.zeros(len(keys), np.int8)).write(labels)
    more = ["--soft-labels", str(labels), "--unlabelled", str(texts), "--repeat", f"{data}=3"]
    result = CliRunner().invoke(app, [*command, *more], catch_exceptions=False)
    assert result.exit_code == 0
    assert f"soft labels for {len(set(keys))} tweets" in result.stderr
    assert "unlabelled ones without a soft label left out" in result.stderr
    run = json.loads((tmp_path / "run/run.json").read_text())
    assert run["soft_labels"][0].startswith("labels.npz ")
    assert run["repetitions"] == ["train.tsv 3"]


def test_missing_base_is_reported_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_arguments: object, **_options: object) -> str:
        raise OSError("no connection")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(CheckpointError, match="nowhere/to-be-found is not a folder"):
        CliRunner().invoke(app, arguments(tmp_path), catch_exceptions=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_waits_for_the_current_step(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with console_monitor() as monitor:
        assert not monitor.interrupted
        os.kill(os.getpid(), number)
        assert monitor.interrupted
    assert signal.getsignal(number) is before


def test_second_ctrl_c_does_not_wait() -> None:
    with console_monitor():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_progress_is_written_to_a_log_file(capsys: pytest.CaptureFixture[str]) -> None:
    with console_monitor() as monitor:
        monitor.title = "seed 3"
        monitor.begin_part("finetune", total=40, done=9)
        monitor.step_done(loss=0.7654, best=0.5)
        output = capsys.readouterr().err
        monitor.step_done(loss=0.7, best=0.5)
        assert "seed 3 finetune: 10 of 40 steps, loss 0.765, best 50.00%" in output
        assert "11 of 40" not in capsys.readouterr().err


def test_progress_of_a_teacher_is_written_to_a_log_file(capsys: pytest.CaptureFixture[str]) -> None:
    with console_monitor() as monitor:
        monitor.begin_part("teacher 1 of 2", total=900, done=0)
        monitor.tweets_done(16)
        assert "teacher 1 of 2: 16 of 900 tweets" in capsys.readouterr().err


def test_dev_tweets_are_removed_from_the_training_data(tmp_path: Path) -> None:
    data = write_tweets(tmp_path / "train.tsv", 60, seed=1)
    dev = tmp_path / "dev.tsv"
    dev.write_text("\n".join(data.read_text().splitlines()[:30]) + "\n")
    read = read_run_data(DataFiles([data, dev], dev))
    held_out = {tweet.text for tweet in read.dev}
    assert not held_out & {tweet.text for tweet in read.labelled}
    assert read.labelled


def test_class_without_training_tweets_is_an_error(tmp_path: Path) -> None:
    data = write_tweets(tmp_path / "train.tsv", 60, seed=1)
    data.write_text("".join(line for line in data.read_text().splitlines(keepends=True) if "\tneutral\t" not in line))
    dev = write_tweets(tmp_path / "dev.tsv", 30, seed=2)
    with pytest.raises(InputError, match=r"train\.tsv contains no neutral tweet for training"):
        read_run_data(DataFiles([data], dev))


def test_repeated_unlabelled_tweets_are_read_once(tmp_path: Path) -> None:
    files = DataFiles(
        [write_tweets(tmp_path / "train.tsv", 60, seed=1)], write_tweets(tmp_path / "dev.tsv", 30, seed=2)
    )
    texts = write_texts(tmp_path / "texts.txt", 20, seed=3)
    texts.write_text(texts.read_text() * 2 + "\n\n")
    read = read_run_data(DataFiles(files.data, files.dev, [texts]))
    assert 1 < len(read.unlabelled) <= 20
    assert len(set(read.unlabelled)) == len(read.unlabelled)
    assert any(word in " ".join(read.unlabelled) for word in TELLING["positive"])


@pytest.mark.parametrize(
    ("content", "complaint"), [(b"", "is empty"), (b"caf\xe9", "is not UTF-8"), (b"\x1f\x8b\x08 cut", "cannot read")]
)
def test_error_names_the_fault_in_unlabelled_tweets(tmp_path: Path, content: bytes, complaint: str) -> None:
    data = write_tweets(tmp_path / "train.tsv", 60, seed=1)
    (tmp_path / "texts.txt").write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        read_run_data(DataFiles([data], write_tweets(tmp_path / "dev.tsv", 30, seed=2), [tmp_path / "texts.txt"]))
