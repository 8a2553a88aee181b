from collections.abc import Sequence

import numpy as np
import pytest

from stream.tweets.polarity import POLARITIES, Polarity
from training.agreement import Agreement, Bounds, ModelType, bounds, check_agreement, compare
from training.checkpoint import Array
from training.errors import DisagreementError

pytestmark = pytest.mark.training

LOGITS = np.eye(3, dtype=np.float32)[[0, 1, 2, 2]] * 4
GOLD: tuple[Polarity, ...] = ("negative", "neutral", "positive", "neutral")
WITHIN = Bounds(mean_difference=0.1, equal_labels=0.9, macro_f1_drop=0.01)


def agreement(bundle_logits: Array, gold: Sequence[Polarity] = GOLD) -> Agreement:
    return compare(LOGITS, bundle_logits, POLARITIES, gold)


def test_equal_logits_are_accepted() -> None:
    check_agreement(agreement(LOGITS + np.float32(0.05)), WITHIN)


def test_large_logit_difference_is_rejected() -> None:
    with pytest.raises(DisagreementError, match=r"logits differ by 0\.5 on average \(limit 0\.1\)"):
        check_agreement(agreement(LOGITS + np.float32(0.5)), WITHIN)


def test_nan_logits_are_rejected() -> None:
    with pytest.raises(DisagreementError, match="logits differ by nan"):
        check_agreement(agreement(LOGITS * np.float32(np.nan)), WITHIN)


def test_different_labels_are_rejected() -> None:
    other = LOGITS.copy()
    other[3] = [0, 4, 0]  # a better label than the checkpoint's, but a different one
    with pytest.raises(DisagreementError, match=r"75\.0% of its labels are equal"):
        check_agreement(agreement(other), WITHIN)


def test_lower_score_is_rejected() -> None:
    other = LOGITS.copy()
    other[0] = [0, 4, 0]
    with pytest.raises(DisagreementError, match=r"macro-F1 is \d+\.\d points lower \(limit 1\.0\)"):
        check_agreement(agreement(other), WITHIN)


def test_differences_are_computed_for_each_logit() -> None:
    other = LOGITS.copy()
    other[2, 0] -= 0.25
    assert agreement(other).as_json()["logits_difference"] == {"mean": 0.0208333, "max": 0.25}


@pytest.mark.parametrize("model_type", ["bert", "mobilebert"])
def test_higher_precision_has_tighter_bounds(model_type: ModelType) -> None:
    coarse_to_fine = [
        bounds("int8", model_type, per_tensor=True),
        bounds("int8", model_type, per_tensor=False),
        bounds("float16", model_type, per_tensor=False),
        bounds("float32", model_type, per_tensor=False),
    ]
    differences = [each.mean_difference for each in coarse_to_fine]
    assert differences == sorted(differences, reverse=True)
