"""The gate between a converted model and its users: does it say what its checkpoint says?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from stream.model.bundle import Precision
from stream.tweets.polarity import Polarity
from training.checkpoint import Array
from training.errors import DisagreementError
from training.scores import Scores, score

ModelType = Literal["bert", "mobilebert"]


@dataclass(frozen=True)
class Bounds:
    """How far a model may stray from its checkpoint."""

    mean_difference: float
    """The mean absolute difference of two logits, at most."""
    equal_labels: float
    """The share of tweets that get the same label from both, at least."""
    macro_f1_drop: float
    """How far macro-F1 may fall."""


_BOUNDS: dict[Precision, Bounds] = {
    "float32": Bounds(mean_difference=1e-5, equal_labels=0.999, macro_f1_drop=0.001),
    "float16": Bounds(mean_difference=2e-3, equal_labels=0.998, macro_f1_drop=0.002),
    "int8": Bounds(mean_difference=0.1, equal_labels=0.97, macro_f1_drop=0.01),
}
_PER_TENSOR_BOUNDS = Bounds(mean_difference=0.3, equal_labels=0.9, macro_f1_drop=0.02)
"""Set from a six-layer model on 2,000 tweets, two to ten times what it strayed by: float32 6e-7 and no label, float16
2e-4 and no label, int8 0.025 and 1.4 % of the labels, with one scale a tensor 0.17 and 7.1 %."""
_MOBILEBERT_FLOAT16_BOUNDS = replace(_BOUNDS["float16"], mean_difference=0.02)
"""MobileBERT has no layer norms, so its 24 layers hand roundings on and on: at full size, with random weights and on
150 texts, float16 strays by 0.009 and no label. At the other precisions it keeps within the bounds of all."""


def bounds(precision: Precision, model_type: ModelType, *, per_tensor: bool) -> Bounds:
    """How far a model of this kind, at this precision, may stray."""
    if per_tensor:
        return _PER_TENSOR_BOUNDS
    if model_type == "mobilebert" and precision == "float16":
        return _MOBILEBERT_FLOAT16_BOUNDS
    return _BOUNDS[precision]


@dataclass(frozen=True)
class Agreement:
    """What two models made of the same tweets."""

    differences: Array
    """Absolute, shape (tweets, labels)."""
    equal_labels: float
    checkpoint_scores: Scores
    bundle_scores: Scores

    @property
    def macro_f1_drop(self) -> float:
        """How much macro-F1 conversion costs; negative if it rose."""
        return self.checkpoint_scores.macro_f1 - self.bundle_scores.macro_f1

    def as_json(self) -> dict[str, Any]:
        """The report that goes into a bundle's manifest."""
        return {
            "tweets": len(self.differences),
            "logits_difference": {
                "mean": round(float(self.differences.mean()), 7),
                "max": round(float(self.differences.max()), 7),
            },
            "equal_labels": round(self.equal_labels, 4),
            "macro_recall": {
                "checkpoint": round(self.checkpoint_scores.macro_recall, 4),
                "bundle": round(self.bundle_scores.macro_recall, 4),
            },
            "macro_f1": {
                "checkpoint": round(self.checkpoint_scores.macro_f1, 4),
                "bundle": round(self.bundle_scores.macro_f1, 4),
            },
        }


def compare(
    checkpoint_logits: Array, bundle_logits: Array, labels: Sequence[Polarity], gold: Sequence[Polarity]
) -> Agreement:
    """Compare a converted model with its checkpoint.

    Args:
        checkpoint_logits: Shape (tweets, labels).
        bundle_logits: The same tweets', same shape.
        labels: The polarity of each column.
        gold: The polarity of each tweet, by people.
    """
    checkpoint_columns, bundle_columns = checkpoint_logits.argmax(axis=1), bundle_logits.argmax(axis=1)
    return Agreement(
        differences=np.abs(checkpoint_logits - bundle_logits),
        equal_labels=float((checkpoint_columns == bundle_columns).mean()),
        checkpoint_scores=score(gold, [labels[column] for column in checkpoint_columns]),
        bundle_scores=score(gold, [labels[column] for column in bundle_columns]),
    )


def check_agreement(agreement: Agreement, within: Bounds) -> None:
    """Let a model pass that keeps within the bounds.

    Raises:
        DisagreementError: It does not; says in what and by how much.
    """
    mean_difference = float(agreement.differences.mean())
    faults = []
    if not mean_difference <= within.mean_difference:  # put so that a NaN does not pass
        faults.append(f"its logits differ by {mean_difference:.2g} on average (at most {within.mean_difference:.2g})")
    if agreement.equal_labels < within.equal_labels:
        faults.append(f"{agreement.equal_labels:.1%} of its labels are the same (at least {within.equal_labels:.1%})")
    if agreement.macro_f1_drop > within.macro_f1_drop:
        fall, at_most = 100 * agreement.macro_f1_drop, 100 * within.macro_f1_drop
        faults.append(f"its macro-F1 is {fall:.1f} points lower (at most {at_most:.1f})")
    if faults:
        raise DisagreementError(f"the converted model strays from its checkpoint: {', '.join(faults)}; not written")
