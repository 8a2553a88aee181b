import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from training.checkpoint import Checkpoint, load_checkpoint
from training.errors import CheckpointError

pytestmark = pytest.mark.training


@pytest.fixture
def folder(checkpoint_folder: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may damage."""
    return Path(shutil.copytree(checkpoint_folder, tmp_path / "checkpoint"))


def change_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def test_weights_are_float32(checkpoint: Checkpoint) -> None:
    assert {weight.dtype for weight in checkpoint.weights.values()} == {np.dtype(np.float32)}


def test_labels_are_in_the_order_of_the_logits(folder: Path) -> None:
    change_config(folder, id2label={"2": "negative", "0": "neutral", "1": "positive"})
    assert load_checkpoint(folder).labels == ["neutral", "positive", "negative"]


def test_error_names_missing_weights(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["classifier.bias"], weights["bert.encoder.layer.1.output.dense.weight"]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(folder)
    assert "lacks classifier.bias, bert.encoder.layer.1.output.dense.weight:" in str(error.value)


def test_error_counts_many_missing_weights(folder: Path) -> None:
    change_config(folder, num_hidden_layers=3)
    with pytest.raises(CheckpointError, match=r"lacks bert\.encoder\.layer\.2\..* and 11 more"):
        load_checkpoint(folder)


def test_error_names_weight_of_wrong_shape(folder: Path) -> None:
    change_config(folder, max_position_embeddings=41)
    with pytest.raises(CheckpointError, match=r"position_embeddings\.weight has shape \(40, 32\), .* \(41, 32\)"):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"model_type": "roberta"}, "'roberta' found using 'model_type'"),
        ({"hidden_act": "relu"}, "hidden_act: "),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type: "),
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}}, "LABEL_0, LABEL_1, LABEL_2"),
    ],
)
def test_unsupported_configuration_is_rejected(folder: Path, changes: dict[str, Any], complaint: str) -> None:
    change_config(folder, **changes)
    with pytest.raises(CheckpointError, match=complaint):
        load_checkpoint(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_error_names_the_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(folder)


def test_error_names_the_damaged_weights_file(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-100])
    with pytest.raises(CheckpointError, match=r"cannot read .*model\.safetensors"):
        load_checkpoint(folder)
