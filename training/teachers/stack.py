"""Several MPNet classifiers trained in lockstep on one GPU.

Every weight has a leading axis of teachers, so that ten networks cost one sequence of large kernels in the place of
ten sequences of small ones. Weights are kept in float32 and multiplied in bfloat16. The weights of all teachers are
in one buffer, which the optimiser passes over once a step.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from training.teachers.mpnet import LONGEST, PADDING, Weights

Tensor = Any
BLOCK = 1024
_HEADS = 12
_EPSILON = 1e-5
_DROPOUT = 0.1
_WEIGHT_DECAY = 0.01
_BUCKETS, _EXACT, _FARTHEST = 16, 8, 128
_CLOSED = -10_000.0
_MOMENTUM, _SQUARE_MOMENTUM = 0.9, 0.999
_HEAD = ("pool", "classes")


def device() -> str:
    """Return the device to compute on."""
    return "cuda" if torch.cuda.is_available() else "cpu"


class Buffer:
    """Weights of all teachers, their bfloat16 copies, gradients and moments, each of shape (teachers, numbers).

    Args:
        shapes: Shape of each weight of one teacher.
        teachers: Number of teachers.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], teachers: int) -> None:
        self.shapes = dict(shapes)
        self.start: dict[str, int] = {}
        size = 0
        for name, shape in shapes.items():
            self.start[name] = size
            size += -(-math.prod(shape) // BLOCK) * BLOCK
        self.weights, self.mean, self.square = (torch.zeros(teachers, size, device=device()) for _ in range(3))
        self.halves, self.gradients = (
            torch.zeros(teachers, size, device=device(), dtype=torch.bfloat16) for _ in range(2)
        )
        self.rates = torch.ones(size // BLOCK, device=device())
        self.decays = torch.zeros(size // BLOCK, device=device())

    def view(self, numbers: Tensor, name: str) -> Tensor:
        """Return a weight's part of one of the arrays, shape (teachers, *shape)."""
        shape, start = self.shapes[name], self.start[name]
        return numbers[:, start : start + math.prod(shape)].view(-1, *shape)

    def blocks(self, name: str) -> slice:
        """Return the blocks that a weight occupies."""
        start = self.start[name]
        return slice(start // BLOCK, -(-(start + math.prod(self.shapes[name])) // BLOCK))


class Stack:
    """Teachers of one shape.

    Args:
        initial: Weights of each.
        layer_decay: Rate of a layer as a share of that of the layer above.
    """

    def __init__(self, initial: Sequence[Weights], layer_decay: float = 0.9) -> None:
        first = initial[0]
        self.teachers, self.width = len(initial), first["words"].shape[1]
        self.layers = 1 + max(int(name.split(".")[0]) for name in first if name[0].isdigit())
        self.vocabulary = -(-first["words"].shape[0] // BLOCK) * BLOCK
        self.distances = _distance_bias(first["distances"]).to(device(), torch.bfloat16)
        others = {name: weight.shape for name, weight in first.items() if name not in {"words", "distances"}}
        self.words = Buffer({"words": (self.vocabulary, self.width)}, self.teachers)
        self.others = Buffer(others, self.teachers)
        self.buffers = (self.words, self.others)
        self._parameters: dict[str, Tensor] = {}
        for buffer in self.buffers:
            self._fill(buffer, initial, layer_decay)
        self._step = torch.compile(_adam, dynamic=True) if device() == "cuda" else _adam

    def _fill(self, buffer: Buffer, initial: Sequence[Weights], layer_decay: float) -> None:
        for name in buffer.shapes:
            for teacher, weights in enumerate(initial):
                weight = torch.as_tensor(weights[name])
                buffer.view(buffer.weights, name)[teacher, : len(weight)].copy_(weight)
            buffer.rates[buffer.blocks(name)] = layer_decay ** (self.layers - self._depth(name))
            buffer.decays[buffer.blocks(name)] = _WEIGHT_DECAY if len(buffer.shapes[name]) > 1 else 0.0
        buffer.halves.copy_(buffer.weights)
        for name in buffer.shapes:
            parameter = buffer.view(buffer.halves, name).detach().requires_grad_()
            parameter.grad = buffer.view(buffer.gradients, name)
            self._parameters[name] = parameter

    def _depth(self, name: str) -> int:
        if name.startswith(_HEAD):
            return self.layers
        return int(name.split(".", maxsplit=1)[0]) if name[0].isdigit() else -1

    def logits(self, ids: Tensor, *, training: bool) -> Tensor:
        """Classify texts, each teacher its own.

        Args:
            ids: int64 [teachers, batch, tokens].
            training: Whether to drop out.

        Returns:
            float32 [teachers, batch, classes], of the mean of the last states.
        """
        teachers, batch, tokens = ids.shape
        states = self._states(ids, training=training).view(teachers, batch, tokens, self.width)
        seen = (ids != PADDING).to(torch.bfloat16)
        mean = (states * seen[..., None]).sum(2) / seen.sum(2, keepdim=True)
        pooled = _dropped(torch.tanh(self._dense(mean, "pool")), training=training)
        weight, bias = self._parameters["classes.weight"].float(), self._parameters["classes.bias"].float()
        return torch.baddbmm(bias.unsqueeze(1), pooled.float(), weight.transpose(1, 2))

    def _states(self, ids: Tensor, *, training: bool) -> Tensor:
        teachers, batch, tokens = ids.shape
        table = self._parameters["words"].view(teachers * self.vocabulary, self.width)
        offsets = torch.arange(teachers, device=ids.device)[:, None, None] * self.vocabulary
        states = functional.embedding(ids + offsets, table) + self._parameters["positions"][:, None, :tokens]
        states = self._norm(states.view(teachers, batch * tokens, self.width), "norm0")
        states = _dropped(states, training=training)
        closed = (ids == PADDING).view(teachers * batch, 1, 1, tokens).to(torch.bfloat16) * _CLOSED
        bias = closed + self.distances[None, :, :tokens, :tokens]
        for layer in range(self.layers):
            mixed = self._attention(states, bias, f"{layer}.inputs", training=training)
            mixed = _dropped(self._dense(mixed, f"{layer}.output"), training=training)
            states = self._norm(states + mixed, f"{layer}.norm1")
            inner = functional.gelu(self._dense(states, f"{layer}.inner"))
            outer = _dropped(self._dense(inner, f"{layer}.outer"), training=training)
            states = self._norm(states + outer, f"{layer}.norm2")
        return states

    def _attention(self, states: Tensor, bias: Tensor, name: str, *, training: bool) -> Tensor:
        texts, _, _, tokens = bias.shape
        parts = self._dense(states, name).view(texts, tokens, 3, _HEADS, self.width // _HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        dropout = _DROPOUT if training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)
        return mixed.transpose(1, 2).reshape(states.shape)

    def _dense(self, states: Tensor, name: str) -> Tensor:
        weight, bias = self._parameters[f"{name}.weight"], self._parameters[f"{name}.bias"]
        return torch.baddbmm(bias.unsqueeze(1), states, weight.transpose(1, 2))

    def _norm(self, states: Tensor, name: str) -> Tensor:
        weight, bias = self._parameters[f"{name}.weight"], self._parameters[f"{name}.bias"]
        normed = functional.layer_norm(states, (self.width,), eps=_EPSILON)
        return torch.addcmul(bias.unsqueeze(1), normed, weight.unsqueeze(1))

    def update(self, rates: Tensor, step: int) -> None:
        """Take a step of AdamW, gradients of each teacher cut to a length of 1, and clear the gradients.

        Args:
            rates: Learning rate of each teacher.
            step: Number of the step, from 1.
        """
        lengths = [torch.linalg.vector_norm(each.gradients, dim=1, dtype=torch.float32) for each in self.buffers]
        scale = (1.0 / torch.stack(lengths).norm(dim=0)).clamp(max=1.0).view(-1, 1, 1)
        corrections = [
            torch.full((), 1.0 - momentum**step, device=device()) for momentum in (_MOMENTUM, _SQUARE_MOMENTUM)
        ]
        with torch.no_grad():
            for each in self.buffers:
                numbers = (each.weights, each.halves, each.gradients, each.mean, each.square)
                blocks = [array.view(self.teachers, -1, BLOCK) for array in numbers]
                rate = rates.view(-1, 1, 1) * each.rates.view(1, -1, 1)
                self._step(*blocks, rate, each.decays.view(1, -1, 1), scale, *corrections)

    def forget_moments(self) -> None:
        """Start the optimiser anew, for another stage."""
        for each in self.buffers:
            each.mean.zero_()
            each.square.zero_()

    def trained(self, teacher: int) -> Weights:
        """Return the weights of one teacher, without `distances`, which are not trained."""
        return {
            name: np.ascontiguousarray(buffer.view(buffer.weights, name)[teacher].cpu().numpy())
            for buffer in self.buffers
            for name in buffer.shapes
        }


def _adam(*numbers: Tensor) -> None:
    weights, halves, gradients, mean, square, rate, decay, scale, mean_correction, square_correction = numbers
    gradient = gradients.float() * scale
    new_mean = mean + (gradient - mean) * (1.0 - _MOMENTUM)
    new_square = square + (gradient * gradient - square) * (1.0 - _SQUARE_MOMENTUM)
    change = (new_mean / mean_correction) / ((new_square / square_correction).sqrt() + 1e-6)
    changed = weights - rate * (decay * weights + change)
    mean.copy_(new_mean)
    square.copy_(new_square)
    weights.copy_(changed)
    halves.copy_(changed)
    gradients.zero_()


def _dropped(states: Tensor, *, training: bool) -> Tensor:
    return functional.dropout(states, _DROPOUT) if training else states


def _distance_bias(table: Any) -> Tensor:  # noqa: ANN401 - an array
    """Return MPNet's bias of attention by relative position, shape (heads, LONGEST, LONGEST)."""
    positions = np.arange(LONGEST)
    ahead = positions[None] - positions[:, None]
    distance = np.abs(ahead)
    scaled = np.log(np.maximum(distance, 1) / _EXACT) / math.log(_FARTHEST / _EXACT) * (_BUCKETS - _EXACT)
    far = np.minimum(_EXACT + scaled.astype(np.int64), _BUCKETS - 1)
    bucket = np.where(distance < _EXACT, distance, far) + _BUCKETS * (ahead > 0)
    return torch.tensor(table[bucket].transpose(2, 0, 1))
