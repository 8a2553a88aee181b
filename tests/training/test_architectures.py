"""Larger teachers: tiny networks of other architectures with random weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras
import transformers
from safetensors.numpy import save_file
from tokenizers import BertWordPieceTokenizer, Tokenizer
from tokenizers.processors import RobertaProcessing

from tests.training.conftest import WORDS
from tests.training.test_train import ADAPT, DISTIL
from tests.training.toy import FINETUNE, toy_run, train
from training.checkpoint import load_checkpoint
from training.errors import CheckpointError
from training.learning.examples import read_tokenizer
from training.learning.network import Network, _weights_of, read_pretrained

pytestmark = pytest.mark.training

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
TEACHERS = ["mpnet", "roberta"]
FINETUNE_LONGER = FINETUNE.replace("epochs = 5", "epochs = 8\nadversary = 0.1")


@pytest.fixture(scope="module", params=TEACHERS)
def pretrained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint as it is published: an encoder without a head; the padding token has id 1."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    _write_encoder(folder, request.param)
    _write_tokenizer(folder)
    return folder


@pytest.fixture(scope="module")
def teacher(pretrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return its checkpoint after adaptation and fine-tuning."""
    return train(toy_run(tmp_path_factory.mktemp("teacher"), str(pretrained), ADAPT + FINETUNE_LONGER))


def test_larger_architecture_is_trained(teacher: Path) -> None:
    assert json.loads((teacher.parent / "scores.json").read_text())["macro_recall"] > 0.9


def test_larger_architecture_is_a_teacher_of_a_bert(teacher: Path, checkpoint_folder: Path, tmp_path: Path) -> None:
    student = DISTIL.replace("state_weight = 0.1", "").replace("epochs = 4", "epochs = 8")
    checkpoint = train(toy_run(tmp_path, str(checkpoint_folder), student, teachers=[teacher]))
    assert load_checkpoint(checkpoint).config.model_type == "bert"
    assert json.loads((checkpoint.parent / "scores.json").read_text())["macro_recall"] > 0.9


def test_padding_does_not_change_logits(teacher: Path) -> None:
    config, weights = read_pretrained(teacher)
    network = Network(config, weights, "classifier", "here")
    tweet = [0, 7, 8, 9, 2]
    alone = np.asarray(network.outputs(np.array([tweet])).logits)
    filled_up = np.asarray(network.outputs(np.array([[*tweet, 1, 1, 1]])).logits)
    assert np.allclose(alone, filled_up, atol=1e-5)


def test_larger_architecture_returns_the_weights_it_was_made_from(teacher: Path) -> None:
    config, weights = read_pretrained(teacher)
    again = Network(config, weights, "classifier", "here").weights()
    assert set(again) == set(weights)
    assert all(np.array_equal(again[name], weights[name]) for name in weights)


def test_position_offset_limits_max_tokens(pretrained: Path) -> None:
    config, _ = read_pretrained(pretrained)
    assert read_tokenizer(pretrained, 38, config)
    with pytest.raises(CheckpointError, match="supports at most 38 tokens"):
        read_tokenizer(pretrained, 39, config)


def test_larger_architecture_is_not_converted(teacher: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot be converted: .*'bert', 'mobilebert'"):
        load_checkpoint(teacher)


def _write_encoder(folder: Path, model_type: str) -> None:
    config = transformers.AutoConfig.for_model(
        model_type,
        vocab_size=len(SPECIAL_TOKENS) + len(WORDS),
        max_position_embeddings=40,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        pad_token_id=1,
        initializer_range=0.1,
    )
    tf_keras.utils.set_random_seed(7)
    model: Any = transformers.TFAutoModel.from_config(config)
    model(np.array([[0, 2]]))
    save_file(_weights_of(model), folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(config.to_json_string())


def _write_tokenizer(folder: Path) -> None:
    vocabulary = {token: number for number, token in enumerate((*SPECIAL_TOKENS, *WORDS))}
    names = {
        "unk_token": "<unk>",
        "sep_token": "</s>",
        "cls_token": "<s>",
        "pad_token": "<pad>",
        "mask_token": "<mask>",
    }
    tokenizer = Tokenizer.from_str(BertWordPieceTokenizer(vocabulary, **names).to_str())
    tokenizer.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
    tokenizer.save(str(folder / "tokenizer.json"))
