"""Order of the batches of several teachers that are trained in lockstep.

In each step every teacher learns from a batch of its own tweets. The batches of a step have similar lengths, so that
little is padded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LENGTH_NOISE_TOKENS = 3.0
_MULTIPLE_TOKENS = 8
"""Lengths that attention on a GPU computes fastest."""


@dataclass(frozen=True)
class Order:
    """Batches of all steps."""

    rows: NDArray[np.int32]
    """Shape (steps, teachers, batch)."""
    tokens: list[int]
    """Padded length of each step."""


def padded_length(tokens: int, longest: int) -> int:
    """Return the length to which a batch is padded."""
    return min(longest, -(-tokens // _MULTIPLE_TOKENS) * _MULTIPLE_TOKENS)


def lockstep_order(
    subsets: Sequence[NDArray[np.int64]],
    lengths: NDArray[np.int64],
    batch: int,
    epochs: float,
    seed: int,
) -> Order:
    """Draw the batches of several epochs.

    Args:
        subsets: Rows from which each teacher learns.
        lengths: Token count of each row.
        batch: Tweets per teacher and step.
        epochs: Passes over the largest subset; smaller ones are repeated.
        seed: Seed of the order.
    """
    generator = np.random.default_rng(seed)
    steps = max(1, max(map(len, subsets)) // batch)
    drawn = [
        np.stack([_epoch(rows, lengths, steps, batch, generator) for rows in subsets], axis=1)[
            generator.permutation(steps)
        ]
        for _ in range(int(np.ceil(epochs)))
    ]
    rows = np.concatenate(drawn)[: max(1, round(steps * epochs))]
    longest = int(lengths.max())
    return Order(rows.astype(np.int32), [padded_length(int(lengths[step].max()), longest) for step in rows])


def _epoch(
    rows: NDArray[np.int64], lengths: NDArray[np.int64], steps: int, batch: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return batches of one teacher from short to long, shape (steps, batch)."""
    repeats = -(-steps * batch // len(rows))
    drawn = np.concatenate([generator.permutation(rows) for _ in range(repeats)])[: steps * batch]
    noise = generator.uniform(0.0, _LENGTH_NOISE_TOKENS, len(drawn))
    return drawn[np.argsort(lengths[drawn] + noise, kind="stable")].reshape(steps, batch)
