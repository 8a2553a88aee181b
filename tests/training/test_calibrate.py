"""The command `starling calibrate`, on a bundle whose last layer is dense, as that of converted models."""

import errno
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from stream.errors import InputError
from stream.model.bundle import file_sha256, load_bundle
from stream.model.classifier import Classifier
from stream.model.tokenizer import Tokenizer
from tests.training.dense_bundle import KINDS, Kind, write_dense_bundle
from tests.unit.tiny_bundle import write_bundle, write_manifest
from training.cli import app
from training.errors import ConversionError, DisagreementError
from training.evaluation import last_layer
from training.evaluation.last_layer import Affine
from training.evaluation.stored_calibration import uncalibrated_bundle

TEXTS = ["awful train", "lovely street nice", "train street", "sad", ""]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_dense_bundle(tmp_path / "bundle")


@pytest.fixture(scope="session")
def tweets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return 300 made-up tweets; a third of the labels are drawn, more of them neutral than the model says."""
    chooser = random.Random(4)
    words = {"negative": ("awful", "sad"), "neutral": ("train", "street"), "positive": ("nice", "lovely")}
    rows = []
    for number in range(300):
        label = chooser.choice([*words])
        text = " ".join(
            [chooser.choice(words[label]), *chooser.choices(["train", "street", "x"], k=chooser.randint(0, 4))]
        )
        given = chooser.choice([*words, "neutral", "neutral"]) if chooser.random() < 0.35 else label
        rows.append(f"{number},{text},{given}\n")
    file = tmp_path_factory.mktemp("data") / "tweets.csv"
    file.write_text("id,text,label\n" + "".join(rows))
    return file


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def calibrated(bundle: Path, tweets: Path, *options: str) -> dict[str, Any]:
    """Calibrate a bundle; return the calibration in its manifest."""
    result = run("calibrate", bundle, "--data", tweets, *options)
    assert result.exit_code == 0, result.output
    return load_bundle(bundle).manifest.calibration


def evaluated(bundle: Path, tweets: Path) -> dict[str, Any]:
    scored: dict[str, Any] = json.loads(run("evaluate", bundle, "--data", tweets, "--json").stdout)["bundles"]
    evaluation: dict[str, Any] = scored[bundle.name]
    return evaluation


def logits_of(bundle: Path) -> Any:
    loaded = load_bundle(bundle)
    ids = [tokens.ids for tokens in Tokenizer(loaded).encode_all(TEXTS)]
    return Classifier(loaded).logits(ids).astype(np.float64)


def stored_change(calibration: dict[str, Any], labels: list[str]) -> Affine:
    temperature = calibration.get("temperatures") or dict.fromkeys(labels, calibration["temperature"])
    biases = calibration["biases"]
    return Affine(np.array([1 / temperature[name] for name in labels]), np.array([biases[name] for name in labels]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("labels", [["negative", "neutral", "positive"], ["positive", "neutral", "negative"]])
def test_the_calibrated_bundle_has_the_logits_that_its_manifest_states(
    tmp_path: Path, tweets: Path, kind: Kind, labels: list[str]
) -> None:
    bundle = write_dense_bundle(tmp_path / "bundle", kind, {"labels": labels})
    before = logits_of(bundle)
    change = stored_change(calibrated(bundle, tweets), labels)
    assert np.ptp(change.bias) > 0.01
    tolerance = 1e-2 if kind == "float16" else 1e-5
    assert logits_of(bundle) == pytest.approx(change.apply(before), abs=tolerance)
    assert load_bundle(bundle).manifest.temperature == 1


def test_biases_change_labels_and_improve_the_fit(bundle: Path, tweets: Path) -> None:
    before = evaluated(bundle, tweets)
    calibration = calibrated(bundle, tweets)
    after = evaluated(bundle, tweets)
    assert calibration["method"] == "biases"
    assert calibration["biases"]["neutral"] < -0.2  # the model adds 1 to the neutral logit of each tweet
    assert calibration["prior"] == pytest.approx([1 / 3] * 3, abs=1e-6)
    assert (calibration["data"], calibration["tweets"]) == (["tweets.csv"], 300)
    assert after["classes"] != before["classes"]
    assert after["calibration"]["negative_log_likelihood"] < before["calibration"]["negative_log_likelihood"]
    assert before["uncalibrated"] is None
    assert after["uncalibrated"]["bins"] == before["calibration"]["bins"]


def test_a_temperature_alone_changes_no_label(bundle: Path, tweets: Path) -> None:
    before = evaluated(bundle, tweets)
    calibration = calibrated(bundle, tweets, "--method", "temperature", "--prior", "data")
    after = evaluated(bundle, tweets)
    assert calibration["temperature"] != 1
    assert set(calibration["biases"].values()) == {0}
    assert after["classes"] == before["classes"]
    assert after["calibration"]["negative_log_likelihood"] < before["calibration"]["negative_log_likelihood"]


def test_each_class_can_get_its_own_scale(bundle: Path, tweets: Path) -> None:
    calibration = calibrated(bundle, tweets, "--method", "scales")
    assert "temperature" not in calibration
    assert len(set(calibration["temperatures"].values())) == 3
    assert evaluated(bundle, tweets)["uncalibrated"]["ece_bins"] == 15


def test_scores_before_and_after_are_cross_fitted(bundle: Path, tweets: Path) -> None:
    before = evaluated(bundle, tweets)
    effect = calibrated(bundle, tweets, "--folds", "5", "--seed", "3")["cross_fitted"]
    assert (effect["folds"], effect["seed"]) == (5, 3)
    assert effect["before"]["macro_recall"] == pytest.approx(before["macro_recall"], abs=1e-4)
    assert effect["before"]["ece"] == pytest.approx(before["calibration"]["ece"], abs=1e-4)
    gain = effect["gain"]["macro_recall"]
    assert gain["value"] == pytest.approx(effect["after"]["macro_recall"] - effect["before"]["macro_recall"], abs=1e-4)
    assert gain["beyond_chance"] == (gain["interval"][0] > 0)
    assert effect["gain"]["log_loss"]["beyond_chance"]


def test_the_result_is_printed_with_the_methods_side_by_side(bundle: Path, tweets: Path) -> None:
    output = run("calibrate", bundle, "--data", tweets).stdout
    assert output.startswith(
        "fitted on 300 tweets, for classes of 33.3% / 33.3% / 33.3% (negative / neutral / positive)\n"
    )
    assert "temperature and biases (chosen)" in output
    assert "scales and biases" in output
    assert "decrease of log-loss: +" in output
    assert "the gain is beyond chance" in output


def test_the_class_prior_can_be_that_of_the_data_or_stated(bundle: Path, tweets: Path) -> None:
    counted = [row.rsplit(",", 1)[1] for row in tweets.read_text().splitlines()[1:]]
    shares = [counted.count(label) / 300 for label in ("negative", "neutral", "positive")]
    assert calibrated(bundle, tweets, "--prior", "data")["prior"] == pytest.approx(shares, abs=1e-6)
    stated = calibrated(bundle, tweets, "--prior", "0.8,0.1,0.1")
    assert stated["prior"] == [0.8, 0.1, 0.1]
    assert stated["biases"]["negative"] > stated["biases"]["neutral"]
    assert load_bundle(bundle).manifest.class_prior == (0.8, 0.1, 0.1)
    assert run("calibrate", bundle, "--data", tweets, "--prior", "0.8,0.1").exit_code == 2


@pytest.mark.parametrize("kind", KINDS)
def test_calibrating_again_replaces_the_calibration(tmp_path: Path, tweets: Path, kind: Kind) -> None:
    bundle = write_dense_bundle(tmp_path / "bundle", kind)
    calibrated(bundle, tweets, "--prior", "0.8,0.1,0.1")
    again = calibrated(bundle, tweets)
    fresh = write_dense_bundle(tmp_path / "fresh", kind)
    once = calibrated(fresh, tweets)
    assert again["temperature"] == pytest.approx(once["temperature"], rel=1e-2)
    for name, bias in once["biases"].items():
        assert again["biases"][name] == pytest.approx(bias, abs=1e-2)
    assert again["folded"]["uncalibrated_sha256"] == once["folded"]["uncalibrated_sha256"]
    assert logits_of(bundle) == pytest.approx(logits_of(fresh), abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_undo_restores_the_model_file_byte_for_byte(tmp_path: Path, tweets: Path, kind: Kind) -> None:
    bundle = write_dense_bundle(tmp_path / "bundle", kind)
    original = file_sha256(bundle / "model.tflite")
    calibrated(bundle, tweets, "--prior", "0.8,0.1,0.1")
    calibrated(bundle, tweets)
    assert file_sha256(bundle / "model.tflite") != original
    assert run("calibrate", bundle, "--undo").exit_code == 0
    assert file_sha256(bundle / "model.tflite") == original
    manifest = load_bundle(bundle).manifest
    assert (manifest.calibration, manifest.temperature) == ({}, 1)


def test_a_bundle_is_unpacked_for_training_without_its_calibration(bundle: Path, tweets: Path) -> None:
    original = load_bundle(bundle)
    calibrated(bundle, tweets)
    uncalibrated = uncalibrated_bundle(load_bundle(bundle))
    assert uncalibrated.model.path.read_bytes() == original.model.path.read_bytes()
    assert (uncalibrated.sha256, uncalibrated.manifest.calibration) == (original.sha256, {})


def test_undo_of_an_uncalibrated_bundle_is_an_error(bundle: Path) -> None:
    with pytest.raises(InputError, match="is not calibrated, so there is nothing to undo"):
        run("calibrate", bundle, "--undo")


def test_undo_refuses_stored_bytes_that_do_not_give_the_original(bundle: Path, tweets: Path) -> None:
    calibration = calibrated(bundle, tweets)
    calibration["folded"]["uncalibrated_sha256"] = "0" * 64
    write_manifest(bundle, calibration=calibration)
    with pytest.raises(ConversionError, match="cannot be undone"):
        run("calibrate", bundle, "--undo")


@pytest.mark.parametrize("missing", ["biases", "folded", "temperature"])
def test_a_calibration_in_another_form_is_an_error(bundle: Path, tweets: Path, missing: str) -> None:
    calibration = calibrated(bundle, tweets)
    calibration["folded"] = {} if missing == "folded" else calibration["folded"]
    write_manifest(
        bundle, calibration={key: value for key, value in calibration.items() if key != missing or value == {}}
    )
    with pytest.raises(ConversionError, match="the calibration in the manifest of tiny cannot be read"):
        run("calibrate", bundle, "--data", tweets)


def test_a_temperature_of_an_older_release_is_replaced(tmp_path: Path, bundle: Path, tweets: Path) -> None:
    once = calibrated(bundle, tweets)
    older = {"temperature": 1.7, "calibration": {"data": ["old.csv"], "tweets": 9, "before": {}, "after": {}}}
    other = write_dense_bundle(tmp_path / "older", manifest=older)
    assert evaluated(other, tweets)["uncalibrated"]["ece"] == once["cross_fitted"]["before"]["ece"].__round__(4)
    assert calibrated(other, tweets)["biases"] == once["biases"]
    assert load_bundle(other).manifest.temperature == 1
    undone = write_dense_bundle(tmp_path / "undone", manifest=older)
    run("calibrate", undone, "--undo")
    assert (load_bundle(undone).manifest.temperature, load_bundle(undone).manifest.calibration) == (1, {})


def test_data_and_undo_exclude_each_other(bundle: Path, tweets: Path) -> None:
    for arguments in ([], ["--undo", "--data", str(tweets)]):
        result = run("calibrate", bundle, *arguments)
        assert result.exit_code == 2
        assert "--undo" in result.output


def test_a_class_without_tweets_is_refused_and_nothing_is_changed(bundle: Path, tmp_path: Path) -> None:
    before = (bundle / "model.json").read_bytes()
    file = tmp_path / "few.csv"
    file.write_text("text,label\nlovely,positive\nawful,negative\nnice,positive\nsad,negative\n")
    with pytest.raises(InputError, match="the data has 0 neutral tweets"):
        run("calibrate", bundle, "--data", file)
    assert (bundle / "model.json").read_bytes() == before
    assert calibrated(bundle, file, "--method", "temperature")["tweets"] == 4


def test_a_model_without_a_dense_last_layer_is_refused_and_nothing_is_changed(tmp_path: Path, tweets: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    before = (bundle / "model.json").read_bytes()
    with pytest.raises(ConversionError, match="its last operator is not a dense layer"):
        run("calibrate", bundle, "--data", tweets)
    assert (bundle / "model.json").read_bytes() == before


def test_a_folded_model_with_other_logits_is_not_written(
    bundle: Path, tweets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [(bundle / name).read_bytes() for name in ("model.json", "model.tflite")]
    fold: Callable[[bytes, Affine], Any] = last_layer.fold
    monkeypatch.setattr(
        "training.commands.calibrate.fold",
        lambda content, change: fold(content, Affine(change.scale, change.bias + 0.01)),
    )
    with pytest.raises(DisagreementError, match=r"is not changed: .* logits differ by 0\.01 from the calibrated ones"):
        run("calibrate", bundle, "--data", tweets)
    assert [(bundle / name).read_bytes() for name in ("model.json", "model.tflite")] == before


def test_files_that_cannot_be_written_are_unchanged(
    bundle: Path, tweets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = [(bundle / name).read_bytes() for name in ("model.json", "model.tflite")]
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ConversionError, match=r"cannot write to .*bundle: No space left on device"):
        run("calibrate", bundle, "--data", tweets)
    assert [(bundle / name).read_bytes() for name in ("model.json", "model.tflite")] == before
    assert {file.name for file in bundle.iterdir()} == {"model.json", "model.tflite", "tokenizer.json"}


def test_data_with_the_name_of_training_data_gives_a_warning(tmp_path: Path, tweets: Path) -> None:
    bundle = write_dense_bundle(tmp_path / "bundle", manifest={"training": {"data": ["tweets.csv", "more.csv"]}})
    assert (
        "warning: the model was trained on files of the same name, tweets.csv;"
        in run("calibrate", bundle, "--data", tweets).stderr
    )
    assert "warning" not in run("calibrate", write_dense_bundle(tmp_path / "other"), "--data", tweets).stderr


def test_plots_show_the_calibration_before_and_after(bundle: Path, tweets: Path, tmp_path: Path) -> None:
    calibrated(bundle, tweets, "--plots", str(tmp_path / "plots"))
    drawn = tmp_path / "plots" / "bundle-cross-fitted-calibration.svg"
    first = drawn.read_bytes()
    assert (tmp_path / "plots" / "bundle-cross-fitted-calibration.png").stat().st_size > 1000
    calibrated(write_dense_bundle(tmp_path / "again" / "bundle"), tweets, "--plots", str(tmp_path / "plots"))
    assert drawn.read_bytes() == first
    with pytest.raises(InputError, match=r"cannot write plots to .*tweets\.csv: File exists"):
        run("calibrate", bundle, "--data", tweets, "--plots", tweets)


@pytest.mark.parametrize(
    ("options", "says", "command"),
    [
        ([], "with equal shares of the classes: temperature ", "starling calibrate BUNDLE --data tweets.csv"),
        (
            ["--method", "scales"],
            "temperatures negative ",
            "starling calibrate BUNDLE --data tweets.csv --method scales",
        ),
        (
            ["--prior", "0.2,0.5,0.3"],
            "with negative 0.20, neutral 0.50, positive 0.30 shares of the classes: temperature ",
            "starling calibrate BUNDLE --data tweets.csv --prior 0.2,0.5,0.3",
        ),
    ],
    ids=["default", "scales", "prior"],
)
def test_the_card_states_the_calibration_and_its_effect(
    bundle: Path, tweets: Path, options: list[str], says: str, command: str
) -> None:
    calibrated(bundle, tweets, *options)
    run("card", bundle, "--data", tweets)
    card = (bundle / "README.md").read_text()
    assert (
        f"The probabilities were calibrated on tweets.csv (300 tweets), {says if says.startswith('with') else ''}"
        in card
    )
    assert says in card
    assert "Cross-fitted in 10 folds, macro-recall went from " in card
    assert f"    {command}\n" in card


def test_the_card_of_an_older_calibration_names_its_temperature(tmp_path: Path, tweets: Path) -> None:
    bundle = write_dense_bundle(tmp_path / "b", manifest={"temperature": 1.7, "calibration": {"data": ["old.csv"]}})
    run("card", bundle, "--data", tweets)
    card = (bundle / "README.md").read_text()
    assert "The temperature is 1.7, fitted on old.csv." in card
    assert "    starling calibrate BUNDLE --data old.csv --method temperature\n" in card
