import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from stream.errors import StarlingError
from stream.experiment.plan import PlannedModel
from stream.model.macs import count_macs
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.tweet import Tweet
from training.checkpoint import load_checkpoint
from training.convert import tflite_model
from training.graph_operations import count_graph_macs
from training.reference import Reference
from training.tensorflow_subject import TensorFlowSubject

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
LENGTH = 16
WIDTH, INNER_WIDTH, LAYERS, LABELS = 32, 64, 2, 3
"""Sizes of the tiny checkpoint in conftest.py."""


@pytest.fixture(scope="module", autouse=True)
def computed_already() -> Iterator[None]:
    """Return a subject without its limit on TensorFlow's threads, because other tests have used TensorFlow before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.tensorflow_subject._use_threads", lambda _: None)
        yield


@pytest.fixture(scope="module")
def subject(checkpoint_folder: Path) -> TensorFlowSubject:
    plan = PlannedModel(name="tiny", path=str(checkpoint_folder), kind="tensorflow", max_tokens=LENGTH)
    return TensorFlowSubject(plan, checkpoint_folder, threads=1)


def test_training_extra_registers_tensorflow_for_experiments() -> None:
    group = "starling.experiment"
    points = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["entry-points"][group]
    assert EntryPoint("tensorflow", points["tensorflow"], group).load() is TensorFlowSubject


def test_labels_equal_those_without_padding(subject: TensorFlowSubject, checkpoint_folder: Path) -> None:
    checkpoint = load_checkpoint(checkpoint_folder)
    reference = Reference(checkpoint)
    for text in ("good cake again", "bad late train !", "cat"):
        tokens = subject.tokens(Tweet("1", text))
        expected = checkpoint.labels[int(np.argmax(reference.logits([tokens.ids])[0]))]
        assert subject.infer(tokens).polarity == expected


def test_each_tweet_is_padded_to_the_same_length(subject: TensorFlowSubject) -> None:
    assert subject.infer(subject.tokens(Tweet("1", "cat"))).padded_tokens == LENGTH


def test_text_that_is_empty_after_cleaning_is_rejected(subject: TensorFlowSubject) -> None:
    with pytest.raises(RejectedTweetError):
        subject.tokens(Tweet("1", "\x01"))


def test_sizes_of_files_and_weights(subject: TensorFlowSubject, checkpoint_folder: Path) -> None:
    described = subject.describe()
    assert described.file_bytes == (checkpoint_folder / "model.safetensors").stat().st_size
    assert described.checkpoint_bytes == sum(file.stat().st_size for file in checkpoint_folder.iterdir())
    weights = load_checkpoint(checkpoint_folder).weights
    assert described.weights_bytes == 4 * sum(weight.size for weight in weights.values())


def test_macs_equal_a_calculation_by_hand(subject: TensorFlowSubject) -> None:
    layer = LENGTH * (4 * WIDTH**2 + 2 * WIDTH * INNER_WIDTH) + 2 * LENGTH**2 * WIDTH
    pooler_and_head = WIDTH**2 + LABELS * WIDTH
    assert subject.macs([LENGTH]) == {LENGTH: LAYERS * layer + pooler_and_head}


def test_encoder_omits_only_unused_operations(
    subject: TensorFlowSubject, checkpoint_folder: Path, tmp_path: Path
) -> None:
    """The last layer computes [CLS] only: no query, output or feed-forward of the other tokens."""
    model = tmp_path / "model.tflite"
    model.write_bytes(tflite_model(load_checkpoint(checkpoint_folder), 24, "float32"))
    unread = (LENGTH - 1) * (2 * WIDTH**2 + 2 * WIDTH * INNER_WIDTH + 2 * LENGTH * WIDTH)
    assert count_macs(model, [LENGTH])[LENGTH] == subject.macs([LENGTH])[LENGTH] - unread


def test_operation_that_cannot_be_counted_is_an_error() -> None:
    product = tf.function(lambda first, second: tf.einsum("ij,jk->ik", first, second))
    shape = tf.TensorSpec([2, 2], tf.float32)
    graph = product.get_concrete_function(shape, shape).graph
    with pytest.raises(StarlingError, match="Einsum"):
        count_graph_macs(graph)


def test_folder_without_checkpoint_is_an_error(checkpoint_folder: Path, tmp_path: Path) -> None:
    for name in ("about.toml", "tokenizer.json"):
        (tmp_path / name).write_bytes((checkpoint_folder / name).read_bytes())
    plan = PlannedModel(name="tiny", path=str(tmp_path), kind="tensorflow", max_tokens=LENGTH)
    with pytest.raises(StarlingError, match="cannot load"):
        TensorFlowSubject(plan, tmp_path, threads=1)
