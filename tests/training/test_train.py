"""Complete runs of tiny networks: training, files, reproducibility and resumption."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from stream.model.bundle import load_bundle
from tests.training.conftest import CONFIG
from tests.training.toy import FINETUNE, Monitor, toy_run, train, write_network
from training.about import read_about
from training.bundling import Conversion, make_bundle
from training.checkpoint import load_checkpoint
from training.datasets import read_dataset
from training.errors import InterruptedRunError, RecipeError, TrainingError
from training.learning.network import Network
from training.learning.run import find_checkpoints
from training.learning.run_data import read_run_data

pytestmark = pytest.mark.training

ADAPT = """
[adapt]
learning_rate = 1e-3
epochs = 1
"""
DISTIL = """
[student]
layers = [1]
intermediate_size = 48
[distil]
learning_rate = 3e-3
epochs = 4
batch_tweets = 16
state_weight = 0.1
averaging = 0.9
"""


@pytest.fixture(scope="session")
def base(checkpoint_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("base")
    return str(write_network(folder, CONFIG, checkpoint_folder / "tokenizer.json"))


@pytest.fixture(scope="session")
def trained(base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished run; its checkpoint is in run/seed-0/checkpoint."""
    folder = tmp_path_factory.mktemp("trained")
    train(toy_run(folder, base))
    return folder


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copied"))


def weights_of(checkpoint: Path) -> bytes:
    return (checkpoint / "model.safetensors").read_bytes()


def test_learnable_task_is_learned(trained: Path) -> None:
    scores = json.loads((trained / "run/seed-0/scores.json").read_text())
    assert scores["macro_recall"] > 0.9


def test_run_folder_has_recipe_scores_and_history(trained: Path) -> None:
    made = json.loads((trained / "run/run.json").read_text())
    assert made["recipe"]["finetune"]["learning_rate"] == 3e-3
    assert made["data"][0].startswith("train.tsv ")
    assert made["versions"]["tensorflow"]
    points = json.loads((trained / "run/seed-0/history-finetune.json").read_text())["points"]
    assert [point["step"] for point in points if "accuracy" in point] == [7, 14, 21, 28, 35, 42, 49, 56, 63, 70, 75]
    assert "<svg" in (trained / "run/seed-0/curves-finetune.svg").read_text()


def test_temporary_files_are_removed_at_the_end(trained: Path) -> None:
    names = {path.name for path in (trained / "run/seed-0").iterdir()}
    assert names == {"checkpoint", "scores.json", "history-finetune.json", "curves-finetune.svg"}


def test_trained_checkpoint_is_converted(trained: Path, tmp_path: Path) -> None:
    checkpoint = trained / "run/seed-0/checkpoint"
    about = read_about(checkpoint / "about.toml")
    conversion = Conversion(load_checkpoint(checkpoint), about, "int8")
    tweets = read_dataset([trained / "dev.tsv"]).tweets
    make_bundle(conversion, tweets, "dev.tsv", tmp_path / "bundle", on_step=lambda _: None)
    manifest = load_bundle(tmp_path / "bundle").manifest
    assert (manifest.name, manifest.cleaning.name, manifest.max_tokens) == ("toy", "words", 24)
    assert manifest.training["dev"]["macro_recall"] > 0.9


def test_resumed_run_has_bit_identical_weights(trained: Path, base: str, tmp_path: Path) -> None:
    run = toy_run(tmp_path, base)
    with pytest.raises(InterruptedRunError, match="after step 40 of 75: the same command continues"):
        train(run, Monitor(stop_after=40))
    resumed = Monitor()
    checkpoint = train(run, resumed)
    assert len(resumed.losses) == 35
    assert weights_of(checkpoint) == weights_of(trained / "run/seed-0/checkpoint")


@pytest.mark.parametrize("more", ["", '\narithmetic = "bfloat16"'])
def test_adversarial_training_learns_and_resumes_bit_identically(
    trained: Path, base: str, tmp_path: Path, more: str
) -> None:
    recipe = FINETUNE.replace("epochs = 5", f"epochs = 5\nadversary = 0.05{more}")
    whole = train(toy_run(tmp_path / "whole", base, recipe))
    assert json.loads((whole.parent / "scores.json").read_text())["macro_recall"] > 0.9
    assert weights_of(whole) != weights_of(trained / "run/seed-0/checkpoint")
    run = toy_run(tmp_path / "cut", base, recipe)
    with pytest.raises(InterruptedRunError):
        train(run, Monitor(stop_after=40))
    assert weights_of(train(run)) == weights_of(whole)


def test_each_step_has_its_own_dropout_seed(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[tuple[int, int]] = []
    seed_dropout = Network.seed_dropout

    def recorded(network: Network, seed: int, step: int) -> None:
        seeds.append((seed, step))
        seed_dropout(network, seed, step)

    monkeypatch.setattr(Network, "seed_dropout", recorded)
    with pytest.raises(InterruptedRunError):
        train(toy_run(tmp_path, base, seeds=[4]), Monitor(stop_after=3))
    assert seeds == [(4, 0), (4, 1), (4, 2)]


def test_other_seed_gives_other_weights(trained: Path, base: str, tmp_path: Path) -> None:
    run = toy_run(tmp_path, base, FINETUNE.replace("epochs = 5", "epochs = 1"), seeds=[1])
    other = load_file(train(run) / "model.safetensors")
    ours = load_file(trained / "run/seed-0/checkpoint/model.safetensors")
    assert not np.array_equal(other["classifier.weight"], ours["classifier.weight"])


def test_finished_run_is_not_trained_again(copied: Path, base: str) -> None:
    monitor = Monitor()
    train(toy_run(copied, base), monitor)
    assert monitor.losses == []


def test_run_of_another_recipe_is_not_overwritten(copied: Path, base: str) -> None:
    other = toy_run(copied, base, FINETUNE.replace("epochs = 5", "epochs = 6"))
    with pytest.raises(TrainingError, match=r"run is a run with different recipe: give another folder with --out"):
        train(other)


def test_folder_without_run_is_not_overwritten(base: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/letters.txt").write_text("dear")
    with pytest.raises(TrainingError, match="exists already and is not a run"):
        train(toy_run(tmp_path, base))


def test_patience_stops_training_early(base: str, tmp_path: Path) -> None:
    stages = FINETUNE.replace("3e-3", "1e-12") + "patience = 2\n"
    monitor = Monitor()
    train(toy_run(tmp_path, base, stages), monitor)
    assert len(monitor.losses) == 21  # evaluated every 7 steps: once the best, twice without improvement


def test_nan_loss_stops_the_run(base: str, tmp_path: Path) -> None:
    stages = FINETUNE.replace("3e-3", "1e30")
    with pytest.raises(TrainingError, match=r"the loss of finetune is .*: lower its learning_rate"):
        train(toy_run(tmp_path, base, stages))


def test_damaged_state_is_an_error(base: str, tmp_path: Path) -> None:
    run = toy_run(tmp_path, base)
    run.open_folder(read_run_data(run.files))
    state = run.seed_folder(0) / "finetune-state.safetensors"
    state.parent.mkdir()
    state.write_bytes(b"not a state")
    with pytest.raises(TrainingError, match=r"cannot continue from .*finetune-state.*remove it"):
        train(run)


def test_distillation_after_adaptation(base: str, trained: Path, tmp_path: Path) -> None:
    teachers = find_checkpoints(trained / "run")
    run = toy_run(tmp_path, "teacher", ADAPT + DISTIL, teachers=teachers)
    checkpoint = train(run)
    assert json.loads((tmp_path / "run/seed-0/scores.json").read_text())["macro_recall"] > 0.9
    student = load_checkpoint(checkpoint)
    assert (student.config.num_hidden_layers, student.config.intermediate_size) == (1, 48)
    assert (tmp_path / "run/adapted/model.safetensors").is_file()
    assert read_about(checkpoint / "about.toml").training["teachers"] == [f"toy, of {base}, Apache-2.0"]
    again = train(replace(run, seeds=[5]))  # adapted checkpoint and soft labels exist already
    assert again.parent.name == "seed-5"


def test_soft_labels_can_be_interrupted(trained: Path, tmp_path: Path) -> None:
    run = toy_run(tmp_path, "teacher", DISTIL, teachers=find_checkpoints(trained / "run"))
    with pytest.raises(InterruptedRunError, match="while computing soft labels: the same command computes them again"):
        train(run, Monitor(stop_after=16))
    assert not (tmp_path / "run/soft-labels.safetensors").exists()
    monitor = Monitor()
    train(run, monitor)
    data = read_run_data(run.files)
    assert monitor.answers == len(data.labelled) + len(data.unlabelled)


def test_further_training_keeps_the_name_of_the_pretrained_model(trained: Path, tmp_path: Path) -> None:
    earlier = trained / "run/seed-0/checkpoint"
    checkpoint = train(toy_run(tmp_path, str(earlier), FINETUNE.replace("epochs", "epochs = 0.2 #")))
    assert read_about(checkpoint / "about.toml").base == read_about(earlier / "about.toml").base


def test_student_with_missing_layers_is_an_error(trained: Path, tmp_path: Path) -> None:
    teachers = find_checkpoints(trained / "run")
    run = toy_run(tmp_path, "teacher", DISTIL.replace("[1]", "[0, 2]"), teachers=teachers)
    with pytest.raises(RecipeError, match=r"student.layers is \[0, 2\], but the base has the layers 0 to 1"):
        train(run)


def test_all_seeds_of_a_run_are_teachers(tmp_path: Path) -> None:
    for seed in (0, 1):
        (tmp_path / f"seed-{seed}/checkpoint").mkdir(parents=True)
    assert [path.parent.name for path in find_checkpoints(tmp_path)] == ["seed-0", "seed-1"]
    with pytest.raises(TrainingError, match="neither a checkpoint nor a run"):
        find_checkpoints(tmp_path / "seed-0/checkpoint")
