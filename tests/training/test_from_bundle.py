import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from stream.model.bundle import Bundle, Precision, load_bundle
from stream.model.private_copy import PrivateCopy
from tests.training.toy import FINETUNE, toy_run, train
from training.about import read_about
from training.bundling import Conversion, make_bundle
from training.checkpoint import Array, Checkpoint, load_checkpoint
from training.cli import app
from training.data.semeval import read_semeval
from training.errors import CheckpointError, DisagreementError
from training.from_bundle import checkpoint as unpack
from training.from_bundle.bert_weights import BertGraph
from training.from_bundle.checkpoint import unpack_bundle

pytestmark = pytest.mark.training

ROUNDING: dict[Precision, float] = {"float32": 1e-5, "float16": 1e-3, "int8": 0.01}
"""Maximum error of a weight of the tiny network, whose largest weights are near 1."""


@pytest.fixture(scope="module")
def bundles(checkpoint: Checkpoint, tweets_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    folder, tweets = tmp_path_factory.mktemp("bundles"), read_semeval(tweets_file).tweets
    about = read_about(checkpoint.path / "about.toml").model_copy(update={"languages": ["en", "fil"]})
    for precision in ROUNDING:
        conversion = Conversion(checkpoint, about, precision)
        make_bundle(conversion, tweets, "tweets.tsv", folder / precision, on_step=lambda _: None)
    return {precision: load_bundle(folder / precision) for precision in ROUNDING}


@pytest.mark.parametrize("precision", ROUNDING)
def test_weights_from_a_bundle_equal_the_original(
    checkpoint: Checkpoint, bundles: dict[str, Bundle], tmp_path: Path, precision: Precision
) -> None:
    unpack_bundle(bundles[precision], tmp_path / "checkpoint")
    unpacked, original = load_checkpoint(tmp_path / "checkpoint").weights, dict(checkpoint.weights)
    types = original.pop("bert.embeddings.token_type_embeddings.weight")
    positions = original.pop("bert.embeddings.position_embeddings.weight")[:24] + types[0]
    original["bert.embeddings.position_embeddings.weight"] = positions
    assert unpacked.keys() - original.keys() == {"bert.embeddings.token_type_embeddings.weight"}
    for name, weight in original.items():
        np.testing.assert_allclose(unpacked[name], weight, rtol=0, atol=ROUNDING[precision], err_msg=name)


def test_a_calibrated_bundle_is_unpacked_without_its_calibration(
    bundles: dict[str, Bundle], tweets_file: Path, tmp_path: Path
) -> None:
    calibrated = shutil.copytree(bundles["float32"].path, tmp_path / "calibrated")
    for arguments in (
        ["calibrate", str(calibrated), "--data", str(tweets_file), "--method", "temperature"],
        ["unpack", str(calibrated), "--out", str(tmp_path / "checkpoint")],
    ):
        assert CliRunner().invoke(app, arguments, catch_exceptions=False).exit_code == 0
    assert load_bundle(calibrated).sha256 != bundles["float32"].sha256
    unpack_bundle(bundles["float32"], tmp_path / "expected")
    found, expected = (load_checkpoint(tmp_path / name).weights for name in ("checkpoint", "expected"))
    for name in ("classifier.weight", "classifier.bias"):
        np.testing.assert_array_equal(found[name], expected[name])


def test_unpacked_checkpoint_is_trainable_and_has_its_origin(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    out = tmp_path / "checkpoint"
    arguments = ["unpack", str(bundles["int8"].path), "--out", str(out)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "at the accuracy of int8" in " ".join(result.stderr.split())
    assert bundles["int8"].manifest.languages == read_about(out / "about.toml").languages == ["en", "fil"]
    assert read_about(out / "about.toml").source["unpacked_from"] == f"tiny int8 {bundles['int8'].sha256}"
    further = train(toy_run(tmp_path / "further", str(out), FINETUNE.replace("epochs = 5", "epochs = 1")))
    assert read_about(further / "about.toml").base == "none"


def test_shipped_model_is_unpacked_by_name(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["unpack", "fast", "--out", str(tmp_path / "fast")], catch_exceptions=False)
    assert result.exit_code == 0
    config = load_checkpoint(tmp_path / "fast").config
    assert (config.num_hidden_layers, config.intermediate_size, config.vocab_size) == (4, 1024, 30522)


def test_checkpoint_that_differs_from_the_bundle_is_not_written(
    bundles: dict[str, Bundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Zeroed(BertGraph):
        def weights(self) -> dict[str, Array]:
            weights = super().weights()
            return weights | {"classifier.weight": np.zeros_like(weights["classifier.weight"])}

    monkeypatch.setattr(unpack, "BertGraph", Zeroed)
    with pytest.raises(DisagreementError, match="the logits of the extracted weights differ"):
        unpack_bundle(bundles["float32"], tmp_path / "checkpoint")
    assert list(tmp_path.iterdir()) == []


def test_model_of_other_origin_is_an_error(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    content = made_by_others()
    bundle = replace(bundles["float32"], path=tmp_path, model=PrivateCopy([content], len(content)))
    with pytest.raises(CheckpointError, match=r"model\.tflite is not a BERT that starling convert made"):
        unpack_bundle(bundle, tmp_path / "checkpoint")


def test_existing_folder_is_not_overwritten(bundles: dict[str, Bundle], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="exists already: give another folder"):
        unpack_bundle(bundles["float32"], tmp_path)


def made_by_others() -> bytes:
    import tensorflow as tf  # noqa: PLC0415

    function = tf.function(lambda ids: tf.cast(ids, tf.float32) * 2.0, [tf.TensorSpec([1, 4], tf.int32)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    model: bytes = converter.convert()
    return model
