from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from training.checkpoint import Array, Checkpoint
from training.encoder import encoder
from training.layers import Weights
from training.reference import Reference

pytestmark = pytest.mark.training

MAX_TOKENS = 24


def logits(checkpoint: Checkpoint, batch: Sequence[Sequence[int]], length: int) -> Array:
    """Return the encoder's logits for a batch padded to `length`."""
    input_ids = np.zeros((len(batch), length), dtype=np.int32)
    for row, ids in zip(input_ids, batch, strict=True):
        row[: len(ids)] = ids
    return np.asarray(encoder(checkpoint, MAX_TOKENS).logits(input_ids))


def random_batch(*lengths: int) -> list[list[int]]:
    generator = np.random.default_rng(3)
    return [[2, *generator.integers(4, 20, length - 2).tolist(), 3] for length in lengths]


@pytest.mark.parametrize("lengths", [(2,), (24,), (9, 9, 9), (2, 24, 7, 15)])
def test_logits_equal_those_of_transformers(checkpoint: Checkpoint, lengths: tuple[int, ...]) -> None:
    batch = random_batch(*lengths)
    ours = logits(checkpoint, batch, max(lengths))
    np.testing.assert_allclose(ours, Reference(checkpoint).logits(batch), rtol=0, atol=1e-5)


def test_padding_does_not_change_logits(checkpoint: Checkpoint) -> None:
    batch = random_batch(5, 8)
    np.testing.assert_allclose(logits(checkpoint, batch, 8), logits(checkpoint, batch, 24), rtol=0, atol=1e-5)


def test_each_token_changes_the_logits(checkpoint: Checkpoint) -> None:
    batch = random_batch(10)
    before = logits(checkpoint, batch, 10)
    for position in range(1, 10):
        changed = [[*batch[0][:position], 4, *batch[0][position + 1 :]]]
        assert np.abs(logits(checkpoint, changed, 10) - before).max() > 1e-4


def test_large_value_in_one_dimension_does_not_reduce_precision_of_others(checkpoint: Checkpoint) -> None:
    name = "bert.embeddings.word_embeddings.weight"
    words = checkpoint.weights[name].copy()
    words[3, 5], words[:, 7] = 50.0, 0.0
    embedding = Weights(replace(checkpoint, weights={name: words})).embedding(name)
    rounded = np.round(127 * embedding.table.numpy()) / 127 * embedding.scales.numpy()
    others = np.arange(words.shape[1]) != 5
    assert np.abs(rounded - words)[:, others].max() <= np.abs(words[:, others]).max() / 127
    ids = np.arange(len(words))[np.newaxis]
    np.testing.assert_allclose(embedding(ids)[0], words, rtol=1e-6)
