"""Comparison of a converted model with its checkpoint, and the limits within which it is accepted."""

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
    """Largest accepted differences between a converted model and its checkpoint."""

    mean_difference: float
    """Maximum of the mean absolute difference of the logits."""
    equal_labels: float
    """Minimum share of tweets that both label the same."""
    macro_f1_drop: float
    """Maximum decrease of macro-F1."""


_BOUNDS: dict[Precision, Bounds] = {
    "float32": Bounds(mean_difference=1e-5, equal_labels=0.999, macro_f1_drop=0.001),
    "float16": Bounds(mean_difference=2e-3, equal_labels=0.998, macro_f1_drop=0.002),
    "int8": Bounds(mean_difference=0.1, equal_labels=0.97, macro_f1_drop=0.01),
}
_PER_TENSOR_BOUNDS = Bounds(mean_difference=0.3, equal_labels=0.9, macro_f1_drop=0.02)
"""Two to ten times the differences of a six-layer model on 2,000 tweets: float32 6e-7 and no label, float16 2e-4 and no
label, int8 0.025 and 1.4 % of the labels, int8 with one scale per tensor 0.17 and 7.1 %."""
_MOBILEBERT_FLOAT16_BOUNDS = replace(_BOUNDS["float16"], mean_difference=0.02)
"""MobileBERT has no layer norms, so rounding errors accumulate over its 24 layers: at full size, with random weights,
on 150 texts, float16 logits differ by 0.009 and no label changes. At other precisions the general bounds hold."""


def bounds(precision: Precision, model_type: ModelType, *, per_tensor: bool) -> Bounds:
    """Return the bounds for a model type at a precision."""
    if per_tensor:
        return _PER_TENSOR_BOUNDS
    if model_type == "mobilebert" and precision == "float16":
        return _MOBILEBERT_FLOAT16_BOUNDS
    return _BOUNDS[precision]


@dataclass(frozen=True)
class Agreement:
    """Outputs of a checkpoint and of its bundle for the same tweets, compared."""

    differences: Array
    """Absolute differences of the logits, shape (tweets, labels)."""
    equal_labels: float
    checkpoint_scores: Scores
    bundle_scores: Scores

    @property
    def macro_f1_drop(self) -> float:
        """Decrease of macro-F1 by conversion; negative if it increased."""
        return self.checkpoint_scores.macro_f1 - self.bundle_scores.macro_f1

    def as_json(self) -> dict[str, Any]:
        """Return the report that goes into a bundle's manifest."""
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
        bundle_logits: Logits of the same tweets, same shape.
        labels: Polarity of each column.
        gold: Gold polarity of each tweet.
    """
    checkpoint_columns, bundle_columns = checkpoint_logits.argmax(axis=1), bundle_logits.argmax(axis=1)
    return Agreement(
        differences=np.abs(checkpoint_logits - bundle_logits),
        equal_labels=float((checkpoint_columns == bundle_columns).mean()),
        checkpoint_scores=score(gold, [labels[column] for column in checkpoint_columns]),
        bundle_scores=score(gold, [labels[column] for column in bundle_columns]),
    )


def check_agreement(agreement: Agreement, within: Bounds) -> None:
    """Raise an error for a model outside the bounds.

    Raises:
        DisagreementError: A difference exceeds its bound; the message says which and by how much.
    """
    mean_difference = float(agreement.differences.mean())
    faults = []
    if not mean_difference <= within.mean_difference:  # negated, so that NaN fails
        faults.append(f"its logits differ by {mean_difference:.2g} on average (limit {within.mean_difference:.2g})")
    if agreement.equal_labels < within.equal_labels:
        faults.append(f"{agreement.equal_labels:.1%} of its labels are equal (at least {within.equal_labels:.1%})")
    if agreement.macro_f1_drop > within.macro_f1_drop:
        drop, limit = 100 * agreement.macro_f1_drop, 100 * within.macro_f1_drop
        faults.append(f"its macro-F1 is {drop:.1f} points lower (limit {limit:.1f})")
    if faults:
        raise DisagreementError(
            f"the converted model differs from its checkpoint: {', '.join(faults)}; no bundle was written"
        )
