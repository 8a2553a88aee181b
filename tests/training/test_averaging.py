import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from typer.testing import CliRunner

from training.about import read_about
from training.averaging import average_checkpoints
from training.checkpoint import load_checkpoint
from training.cli import app
from training.errors import CheckpointError

pytestmark = pytest.mark.training


def near(folder: Path, to: Path, scale: float = 1.0, **training: Any) -> Path:
    """Return a checkpoint with the scaled weights of another."""
    shutil.copytree(folder, to)
    weights = load_file(folder / "model.safetensors")
    save_file({name: scale * weight.astype(np.float32) for name, weight in weights.items()}, to / "model.safetensors")
    about = (folder / "about.toml").read_text()
    (to / "about.toml").write_text(about + "".join(f"{name} = {json.dumps(what)}\n" for name, what in training.items()))
    return to


@pytest.fixture
def other(checkpoint_folder: Path, tmp_path: Path) -> Path:
    return near(checkpoint_folder, tmp_path / "other", 1.5)


def test_average_is_the_mean_of_the_weights(checkpoint_folder: Path, other: Path, tmp_path: Path) -> None:
    out = tmp_path / "average"
    arguments = ["average", str(checkpoint_folder), str(other), "--out", str(out)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    first = load_checkpoint(checkpoint_folder).weights
    for name, weight in load_checkpoint(out).weights.items():
        np.testing.assert_allclose(weight, 1.25 * first[name], rtol=1e-6)


def test_metadata_has_common_entries_and_hashes(checkpoint_folder: Path, tmp_path: Path) -> None:
    each = [
        near(checkpoint_folder, tmp_path / str(seed), 1.0 + seed, recipe="tiny", seed=seed, dev="dev.tsv")
        for seed in range(2)
    ]
    average_checkpoints(each, tmp_path / "average")
    training = read_about(tmp_path / "average/about.toml").training
    assert training["recipe"] == "tiny"
    assert training.keys() == {"epochs", "recipe", "averaged_sha256"}
    assert len(set(training["averaged_sha256"])) == 2


def test_tokenisers_may_differ_in_truncation(checkpoint_folder: Path, other: Path, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(other / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(24)
    tokenizer.save(str(other / "tokenizer.json"), pretty=False)
    average_checkpoints([checkpoint_folder, other], tmp_path / "average")
    assert (tmp_path / "average/model.safetensors").is_file()


def test_unrelated_weights_are_not_averaged(checkpoint_folder: Path, other: Path, tmp_path: Path) -> None:
    weights = load_file(other / "model.safetensors")
    shuffled = {name: np.random.default_rng(0).permuted(weight) for name, weight in weights.items()}
    save_file(shuffled, other / "model.safetensors")
    with pytest.raises(CheckpointError, match="other cannot be averaged: their weights are unrelated"):
        average_checkpoints([checkpoint_folder, other], tmp_path / "average")
    assert not (tmp_path / "average").exists()


@pytest.mark.parametrize(
    ("file", "change", "complaint"),
    [
        (
            "config.json",
            ('"0": "negative", "1": "neutral"', '"1": "negative", "0": "neutral"'),
            "layers, sizes or labels",
        ),
        ("about.toml", ("placeholders", "words"), "their cleaning or max_tokens differ"),
        ("about.toml", ("max_tokens = 24", "max_tokens = 25"), "their cleaning or max_tokens differ"),
        ("tokenizer.json", ("cake", "pie"), "their tokenisers differ"),
    ],
)
def test_different_networks_or_preprocessing_are_not_averaged(
    checkpoint_folder: Path, other: Path, file: str, change: tuple[str, str], complaint: str
) -> None:
    text = (other / file).read_text()
    assert change[0] in text
    (other / file).write_text(text.replace(*change))
    with pytest.raises(CheckpointError, match=complaint):
        average_checkpoints([checkpoint_folder, other], other.parent / "average")


def test_averaging_one_checkpoint_is_an_error(checkpoint_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="at least two checkpoints"):
        average_checkpoints([checkpoint_folder], tmp_path / "average")


def test_existing_folder_is_not_overwritten(checkpoint_folder: Path, other: Path) -> None:
    with pytest.raises(CheckpointError, match="exists already: give another folder"):
        average_checkpoints([checkpoint_folder, other], other)
