"""Training of a stack of teachers, and asking it for logits."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from stream.tweets.polarity import POLARITIES
from training.teachers.mpnet import LONGEST, Texts
from training.teachers.order import lockstep_order, padded_length
from training.teachers.stack import Stack, Tensor, device

_LOG = logging.getLogger(__name__)
_SMOOTHING = 0.05
_WARM_UP = 0.06
_TOKENS_AT_ONCE = 120_000
_REPORT_STEPS = 100
_CLASSES = len(POLARITIES)


@dataclass(frozen=True)
class Stage:
    """Settings of a stage of training."""

    rates: Sequence[float]
    """Highest learning rate of each teacher."""
    adversary: Sequence[float]
    """Distance by which each teacher's word embeddings are moved to raise its loss; 0: none."""
    epochs: float
    seed: int
    batch: int = 64
    variant_shares: Sequence[float] = (1.0,)
    """Share of the rows that are read in each variant of the texts."""


@dataclass(frozen=True)
class Labels:
    """Gold labels of all rows."""

    gold: NDArray[np.int64]
    """Column of the polarity."""
    class_weights: NDArray[np.float32]
    task: int = 0
    """Number of the task; each has three outputs of its own."""


def square_root_weights(gold: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return class weights by the square root of the inverse frequency, 1 on average over the rows."""
    count = np.bincount(gold, minlength=_CLASSES)
    weights = (count.sum() / np.maximum(count, 1)) ** 0.5
    normed: NDArray[np.float32] = (weights * count.sum() / (weights * count).sum()).astype(np.float32)
    return normed


class Fitting:
    """A stack of teachers and the texts that they read.

    Args:
        stack: The teachers.
        variants: The texts, in one or more forms.
    """

    def __init__(self, stack: Stack, variants: Sequence[Texts]) -> None:
        self.stack = stack
        self._lengths = np.max([variant.lengths for variant in variants], axis=0)
        self._ids = torch.tensor(np.stack([variant.ids for variant in variants]), device=device())

    def fit(self, stage: Stage, labels: Labels, subsets: Sequence[NDArray[np.int64]]) -> None:
        """Train each teacher on its own rows."""
        torch.manual_seed(stage.seed)
        order = lockstep_order(subsets, self._lengths, stage.batch, stage.epochs, stage.seed)
        rows = torch.tensor(order.rows, device=device())
        gold = torch.tensor(labels.gold, device=device())
        weights = torch.tensor(labels.class_weights, device=device())
        rates = torch.tensor(stage.rates, device=device())
        shares = torch.tensor(stage.variant_shares, device=device()).cumsum(0)
        self.stack.forget_moments()
        for step, tokens in enumerate(order.tokens, start=1):
            batch = rows[step - 1].long()
            variant = torch.searchsorted(shares, torch.rand(batch.shape, device=device())).clamp(max=len(shares) - 1)
            ids = self._ids[variant, batch][..., :tokens].long()
            loss = self._backward(ids, gold[batch], weights, labels.task)
            if max(stage.adversary) > 0:
                self._adversarial_backward(stage, ids, gold[batch], weights, labels.task)
            self.stack.update(rates * _share_of_rate(step, len(order.tokens)), step)
            if step % _REPORT_STEPS == 0 or step == len(order.tokens):
                _LOG.info("step %d of %d, loss %.3f", step, len(order.tokens), float(loss.mean()))

    def _backward(self, ids: Tensor, gold: Tensor, weights: Tensor, task: int) -> Tensor:
        columns = slice(_CLASSES * task, _CLASSES * (task + 1))
        likelihood = functional.log_softmax(self.stack.logits(ids, training=True)[..., columns], -1)
        hit = likelihood.gather(2, gold[..., None])[..., 0]
        losses = -(1.0 - _SMOOTHING) * hit - _SMOOTHING * likelihood.mean(-1)
        loss = (losses * weights[gold]).sum(1) / weights[gold].sum(1)
        loss.sum().backward()
        return loss.detach()

    def _adversarial_backward(self, stage: Stage, ids: Tensor, gold: Tensor, weights: Tensor, task: int) -> None:
        """Add the gradients where each teacher's word embeddings are moved to raise its loss (Miyato et al., 2017)."""
        words = self.stack.words
        distance = torch.tensor(stage.adversary, device=device())[:, None]
        with torch.no_grad():
            kept = words.halves.clone()
            gradients = words.gradients.float()
            length = torch.linalg.vector_norm(gradients, dim=1, keepdim=True).clamp(min=1e-12)
            words.halves.add_((gradients * (distance / length)).to(words.halves.dtype))
        del gradients
        self._backward(ids, gold, weights, task)
        with torch.no_grad():
            words.halves.copy_(kept)

    def ask(self, rows: NDArray[np.int64], variant: int = 0) -> NDArray[np.float32]:
        """Return the logits of all teachers for the same rows, shape (teachers, rows, outputs)."""
        order = np.argsort(self._lengths[rows], kind="stable")
        answers, start = [], 0
        with torch.no_grad():
            while start < len(rows):
                size = max(16, _TOKENS_AT_ONCE // (self.stack.teachers * LONGEST))
                part = rows[order[start : start + size]]
                tokens = padded_length(int(self._lengths[part].max()), LONGEST)
                ids = self._ids[variant, torch.tensor(part, device=device())][:, :tokens].long()
                logits = self.stack.logits(ids[None].expand(self.stack.teachers, -1, -1), training=False)
                answers.append(logits.cpu().numpy())
                start += size
        joined = np.concatenate(answers, axis=1)
        result = np.empty_like(joined)
        result[:, order] = joined
        return result


def _share_of_rate(step: int, steps: int) -> float:
    """Return the share of the highest rate: it rises, then falls to nothing, both linearly."""
    rising = max(1, round(_WARM_UP * steps))
    return min(step / rising, (steps - step + 1) / max(1, steps - rising))
