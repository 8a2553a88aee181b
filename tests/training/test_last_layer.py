from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stream.model.bundle import SHIPPED, Bundle, load_bundle
from stream.model.classifier import Classifier
from stream.model.private_copy import PrivateCopy
from tests.training.dense_bundle import KINDS, Kind, dense_model, write_dense_bundle
from tests.unit.tiny_bundle import tiny_model
from training.errors import ConversionError
from training.evaluation.last_layer import Affine, Replaced, fold, unfold

SHARED = Affine(np.full(3, 1 / 1.3), np.array([-0.4, 0.1, 0.3]))
BY_CLASS = Affine(1 / np.array([0.7, 2.4, 1.3]), np.array([-0.4, 0.1, 0.3]))
BATCH = [[2, 4, 3], [2, 5, 6, 7, 3], [2, 3], [2, 8, 9, 4, 4, 9, 1, 3]]


def logits_of(bundle: Bundle, content: bytes) -> NDArray[np.float64]:
    changed = replace(bundle, model=PrivateCopy([content], len(content)))
    return Classifier(changed).logits(BATCH).astype(np.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_logits_of_a_folded_model_are_the_changed_logits(tmp_path: Path, kind: Kind) -> None:
    bundle = load_bundle(write_dense_bundle(tmp_path / "bundle", kind))
    original = bundle.model.path.read_bytes()
    before = logits_of(bundle, original)
    folded, _ = fold(original, SHARED)
    # At 16 bits the new weights are rounded, to 11 significant bits.
    tolerance = 5e-3 if kind == "float16" else 1e-6 * np.abs(before).max()
    assert logits_of(bundle, folded) == pytest.approx(SHARED.apply(before), abs=tolerance)
    assert logits_of(bundle, folded) != pytest.approx(before, abs=0.1)


@pytest.mark.parametrize("kind", ["float32", "float16", "int8 per channel"])
def test_each_class_can_have_its_own_scale(tmp_path: Path, kind: Kind) -> None:
    bundle = load_bundle(write_dense_bundle(tmp_path / "bundle", kind))
    original = bundle.model.path.read_bytes()
    folded, _ = fold(original, BY_CLASS)
    expected = BY_CLASS.apply(logits_of(bundle, original))
    assert logits_of(bundle, folded) == pytest.approx(expected, abs=1e-2 if kind == "float16" else 1e-5)


@pytest.mark.parametrize("name", ["default", "fast", "reputation"])
@pytest.mark.parametrize("change", [SHARED, BY_CLASS], ids=["shared", "by class"])
def test_shipped_models_can_be_folded_exactly(name: str, change: Affine) -> None:
    bundle = load_bundle(SHIPPED / name)
    original = bundle.model.path.read_bytes()
    folded, replaced = fold(original, change)
    assert logits_of(bundle, folded) == pytest.approx(change.apply(logits_of(bundle, original)), abs=2e-6)
    assert len(folded) == len(original)
    assert sum(len(piece.original) for piece in replaced) == 24  # three scales and three biases of four bytes


@pytest.mark.parametrize("kind", KINDS)
def test_unfolded_content_is_the_original(kind: Kind) -> None:
    original = dense_model(kind)
    folded, replaced = fold(original, SHARED)
    assert folded != original
    stored = [Replaced.from_json(piece.as_json()) for piece in replaced]
    assert unfold(folded, stored) == original


def test_a_single_scale_of_all_classes_cannot_become_several() -> None:
    with pytest.raises(ConversionError, match="1 scales, so its 3 classes cannot get different ones; use --method"):
        fold(dense_model("int8 per tensor"), BY_CLASS)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (tiny_model(), "its last operator is not a dense layer"),
        (dense_model("float32", activation=1), "its last layer has an activation"),
        (dense_model("float32", has_bias=False), "its last layer has no bias"),
        (dense_model("float32", shared=True), "another tensor has the same weights"),
        (b"no model", "the file is no TensorFlow Lite model"),
        (dense_model("float32")[:200], "the calibration cannot be folded"),
    ],
    ids=["no dense layer", "activation", "no bias", "shared weights", "no model", "cut"],
)
def test_a_model_that_cannot_be_changed_in_place_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(ConversionError, match=says):
        fold(content, SHARED)


def test_weights_beyond_the_range_of_16_bits_are_refused() -> None:
    with pytest.raises(ConversionError, match="exceed the range of its precision"):
        fold(dense_model("float16"), Affine(np.full(3, 1e6), np.zeros(3)))


@pytest.mark.parametrize(
    "stored",
    [{}, {"offset": 1}, {"offset": "x", "bytes": "AAAA"}, {"offset": 1, "bytes": "A"}, {"offset": 1, "bytes": 3}],
)
def test_wrong_stored_bytes_are_an_error(stored: dict[str, Any]) -> None:
    with pytest.raises(ConversionError, match="stored bytes of the uncalibrated model"):
        Replaced.from_json(stored)


def test_a_change_can_be_inverted() -> None:
    logits = np.array([[1.0, 2, 3], [-1, 0, 5]])
    assert BY_CLASS.invert(BY_CLASS.apply(logits)) == pytest.approx(logits)
    assert BY_CLASS.in_order([2, 0, 1]).bias.tolist() == [0.3, -0.4, 0.1]
