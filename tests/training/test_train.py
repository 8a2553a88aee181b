"""Complete runs of tiny networks: training, files, reproducibility and resumption."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from stream.errors import InputError
from stream.model.bundle import load_bundle
from stream.tweets.polarity import POLARITIES
from tests.training.conftest import CONFIG
from tests.training.toy import FINETUNE, TELLING, Monitor, toy_run, train, write_network, write_tweets
from training.about import read_about
from training.bundling import Conversion, make_bundle
from training.checkpoint import WEIGHTS_FILE, load_checkpoint
from training.datasets import read_dataset
from training.errors import InterruptedRunError, RecipeError, TrainingError
from training.learning.network import Network
from training.learning.run import Run, find_checkpoints
from training.learning.run_data import read_run_data
from training.teachers.keys import SoftLabels, key_of

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


def soft_label_file(run: Run, path: Path, *, share: float = 1.0) -> Path:
    """Write sure and right soft labels of a share of the labelled and of the unlabelled tweets."""
    data = read_run_data(run.files)
    texts = [tweet.text for tweet in data.labelled]
    chosen = [text for these in (texts, data.unlabelled) for text in these[: round(share * len(these))]]
    told = [next(polarity for polarity, words in TELLING.items() if set(words) & set(text.split())) for text in chosen]
    logits = 6.0 * np.eye(3, dtype=np.float32)[[POLARITIES.index(polarity) for polarity in told]]
    SoftLabels.of([key_of(text) for text in chosen], logits, np.zeros(len(chosen), np.int8)).write(path)
    return path


SOFT = """
[distil]
learning_rate = 3e-3
epochs = 4
batch_tweets = 16
temperature = 1.0
gold_weight = 0.0
prior = [0.5, 0.0, 0.1]
"""


def soft_run(folder: Path, base: str, stages: str = SOFT, *, share: float = 1.0, **changes: Any) -> Run:
    run = toy_run(folder, base, stages)
    path = soft_label_file(run, folder / "labels.npz", share=share)
    return replace(run, files=replace(run.files, soft_labels=[path], **changes))


@pytest.fixture(scope="session")
def distilled(base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the checkpoint of a run that was distilled from a file."""
    return train(soft_run(tmp_path_factory.mktemp("distilled"), base))


def test_task_is_learned_from_a_file_of_soft_labels(distilled: Path) -> None:
    assert json.loads((distilled.parent / "scores.json").read_text())["macro_recall"] > 0.9
    training = read_about(distilled / "about.toml").training
    assert training["soft_labels"] == ["labels.npz"]
    assert training["soft_labelled_tweets"] == training["labelled_tweets"] + training["unlabelled_tweets"]


def test_distillation_from_a_file_resumes_bit_identically(distilled: Path, base: str, tmp_path: Path) -> None:
    run = soft_run(tmp_path, base)
    with pytest.raises(InterruptedRunError):
        train(run, Monitor(stop_after=30))
    assert weights_of(train(run)) == weights_of(distilled)


def test_distillation_from_a_file_continues_from_the_last_save_after_a_crash(
    distilled: Path, base: str, tmp_path: Path
) -> None:
    run = replace(soft_run(tmp_path, base), checkpoint_steps=20)

    class Crashed(Exception):  # noqa: N818 - no error, but the end of a process
        pass

    class Crash(Monitor):
        def step_done(self, loss: float, best: float) -> None:
            super().step_done(loss, best)
            if len(self.losses) == 50:
                raise Crashed

    with pytest.raises(Crashed):
        train(run, Crash())
    resumed = Monitor()
    checkpoint = train(run, resumed)
    assert len(resumed.losses) == steps_of(distilled) - 40
    assert weights_of(checkpoint) == weights_of(distilled)


def steps_of(checkpoint: Path) -> int:
    return int(read_about(checkpoint / "about.toml").training["steps"])


def test_distillation_from_a_file_has_an_adversary(distilled: Path, base: str, tmp_path: Path) -> None:
    checkpoint = train(soft_run(tmp_path, base, SOFT.replace("epochs = 4", "epochs = 8\nadversary = 0.05")))
    assert json.loads((checkpoint.parent / "scores.json").read_text())["macro_recall"] > 0.9
    assert weights_of(checkpoint) != weights_of(distilled)


def test_other_soft_labels_are_another_run(base: str, tmp_path: Path) -> None:
    run = soft_run(tmp_path, base)
    run.open_folder(read_run_data(run.files, run.recipe.distil))
    soft_label_file(run, tmp_path / "labels.npz", share=0.5)
    with pytest.raises(TrainingError, match="is a run with different soft_labels"):
        run.open_folder(read_run_data(run.files))


@pytest.mark.parametrize("more", ["gold_as_soft = true\n", ""])
def test_gold_labels_stand_in_for_missing_soft_labels(base: str, tmp_path: Path, more: str) -> None:
    stages = SOFT + more if more else SOFT.replace("gold_weight = 0.0", "gold_weight = 0.1")
    run = soft_run(tmp_path, base, stages + "label_smoothing = 0.3\n", share=0.5)
    data = read_run_data(run.files, run.recipe.distil).distilled
    assert data
    texts = read_run_data(run.files).unlabelled
    assert data.unlabelled == texts[: round(len(texts) / 2)]
    assert data.left_out == len(texts) - len(data.unlabelled)
    assert data.gold_alone == len(data.labelled) - round(len(data.labelled) / 2)
    row = len(data.labelled) - 1
    expected = np.full(3, 0.1)
    expected[POLARITIES.index(data.labelled[row].polarity)] = 0.8
    assert data.probabilities[row] == pytest.approx(expected)
    train(run)


def test_prior_and_temperature_change_soft_labels(base: str, tmp_path: Path) -> None:
    run = soft_run(tmp_path, base, SOFT.replace("temperature = 1.0", "temperature = 2.0"))
    data = read_run_data(run.files, run.recipe.distil).distilled
    assert data
    column = POLARITIES.index(data.labelled[0].polarity)
    expected = np.exp((6.0 * np.eye(3)[column] + [0.5, 0.0, 0.1]) / 2)
    assert data.probabilities[0] == pytest.approx(expected / expected.sum())


def test_probabilities_of_several_files_are_averaged(base: str, tmp_path: Path) -> None:
    run = soft_run(tmp_path, base, SOFT.replace("[0.5, 0.0, 0.1]", "[0.0, 0.0, 0.0]"))
    data = read_run_data(run.files)
    other = tmp_path / "other.npz"
    SoftLabels.of([key_of(data.labelled[0].text)], np.zeros((1, 3), np.float32), np.zeros(1, np.int8)).write(other)
    files = replace(run.files, soft_labels=[*run.files.soft_labels, other])
    found = read_run_data(files, run.recipe.distil).distilled
    assert found
    sure = np.exp(6) / (np.exp(6) + 2)
    column = POLARITIES.index(data.labelled[0].polarity)
    assert found.probabilities[0, column] == pytest.approx((sure + 1 / 3) / 2)


def test_labelled_tweets_without_soft_labels_are_refused(base: str, tmp_path: Path) -> None:
    run = soft_run(tmp_path, base, share=0.5)
    complaint = r"no soft label for \d+ of \d+ labelled tweets, for example 1\d+, and distil.gold_weight is 0"
    with pytest.raises(InputError, match=complaint):
        train(run)
    assert not run.out.exists()


def label_arrays(**changes: Any) -> dict[str, Any]:
    """Return the arrays of a file of soft labels, with changes."""
    arrays = {
        "keys": np.array([1, 2], np.uint64),
        "logits": np.zeros((2, 3), np.float16),
        "fold": np.zeros(2, np.int8),
    }
    return arrays | changes


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot read .*: No such file"),
        (b"", "is not a file of soft labels"),
        (b"PK\x03\x04 cut", "is not a file of soft labels"),
        ({"keys": np.zeros(2, np.uint64)}, "is not a file of soft labels"),
        (np.zeros(3), "is not a file of soft labels"),
        (label_arrays(keys=np.array([2, 1], np.uint64)), "its keys are not sorted uint64"),
        (label_arrays(keys=np.array([1, 2], np.int32)), "its keys are not sorted uint64"),
        (label_arrays(logits=np.zeros((2, 2), np.float16)), r"is not a file of soft labels: keys \(2,\), logits"),
        (label_arrays(logits=np.full((2, 3), np.nan, np.float16)), "some of its logits are not finite"),
        (label_arrays(), r"contains no soft label for any of the \d+ tweets"),
    ],
)
def test_error_names_the_fault_in_soft_labels(base: str, tmp_path: Path, content: Any, complaint: str) -> None:
    run = soft_run(tmp_path, base)
    (path,) = run.files.soft_labels
    path.unlink()
    match content:
        case bytes():
            path.write_bytes(content)
        case dict():
            np.savez(path, **content)
        case np.ndarray():
            with path.open("wb") as file:
                np.save(file, content)
    with pytest.raises(InputError, match=complaint):
        read_run_data(run.files, run.recipe.distil)


def test_soft_labels_and_recipe_must_fit(base: str, tmp_path: Path) -> None:
    run = soft_run(tmp_path, base)
    with pytest.raises(TrainingError, match="give --teacher or --soft-labels, not both"):
        replace(run, teachers=[tmp_path]).check()
    with pytest.raises(TrainingError, match=r"has no \[distil\], which --soft-labels is for"):
        replace(run, recipe=toy_run(tmp_path, base).recipe).check()
    with pytest.raises(RecipeError, match=r"distil.state_weight needs a teacher"):
        replace(run, recipe=toy_run(tmp_path, base, SOFT + "state_weight = 0.1\n").recipe).check()
    run.check()


def test_repeated_tweets_occur_more_often_in_an_epoch(base: str, tmp_path: Path) -> None:
    run = soft_run(tmp_path, base)
    templates, texts = write_tweets(tmp_path / "templates.tsv", 30, seed=9), run.files.unlabelled[0]
    files = replace(run.files, data=[*run.files.data, templates], repetitions={templates: 5, texts: 2})
    data = read_run_data(files)
    times = dict(zip([*(tweet.id for tweet in data.labelled), *data.unlabelled], data.copies or (), strict=True))
    own = {tweet.id for tweet in read_dataset([templates]).tweets}
    assert {times[tweet.id] for tweet in data.labelled if tweet.id in own} == {5}
    assert {times[tweet.id] for tweet in data.labelled if tweet.id not in own} == {1}
    assert {times[text] for text in data.unlabelled} == {2}
    repeated = replace(run, files=files, recipe=toy_run(tmp_path, base, SOFT + "gold_as_soft = true\n").recipe)
    checkpoint = train(repeated)
    assert steps_of(checkpoint) == round(4 * np.ceil(sum(data.copies or ()) / 16))
    assert read_about(checkpoint / "about.toml").training["repetitions"] == ["templates.tsv 5", "texts.txt 2"]


def test_frozen_layers_keep_their_weights(base: str, tmp_path: Path) -> None:
    run = toy_run(tmp_path, base, f"{FINETUNE}frozen_layers = 1\n")
    before, after = load_file(Path(base) / WEIGHTS_FILE), load_file(train(run) / WEIGHTS_FILE)
    changed = {name for name, weight in before.items() if not np.array_equal(weight, after[name])}
    frozen = ("bert.embeddings.", "bert.encoder.layer.0.")
    assert not {name for name in changed if name.startswith(frozen)} - {"bert.embeddings.word_embeddings.weight"}
    words = "bert.embeddings.word_embeddings.weight"
    np.testing.assert_array_equal(after[words][1:], before[words][1:])  # the first is the padding, which is set to 0
    assert {name for name in changed if name.startswith("bert.encoder.layer.1.")}


def test_network_without_trained_layers_is_refused(base: str, tmp_path: Path) -> None:
    run = toy_run(tmp_path, base, f"{FINETUNE}frozen_layers = 2\n")
    with pytest.raises(RecipeError, match="frozen_layers is 2, but the base has 2 layers"):
        train(run)
