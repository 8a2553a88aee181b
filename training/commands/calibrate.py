"""`starling calibrate`: fits the temperature of a bundle."""

from collections.abc import Sequence
from pathlib import Path

import typer

from stream.model.bundle import load_bundle
from training.commands.evaluate import evaluate_bundle, read_evaluation_tweets
from training.datasets import ReadOptions
from training.evaluation.calibration import Calibration, at_temperature, calibration, fitted_temperature
from training.manifests import replace_manifest


def calibrate_bundle(path: Path, data: Sequence[Path], read_options: ReadOptions) -> None:
    """Fit the temperature and write it into the bundle's manifest; no label changes.

    Args:
        path: Folder of the bundle.
        data: Labelled tweets that the model was not trained on.
        read_options: Format and columns of the data.

    Raises:
        StarlingError: The data or the bundle cannot be used, or the manifest cannot be written.
    """
    tweets = read_evaluation_tweets(data, read_options)
    bundle = load_bundle(path)
    evaluation = evaluate_bundle(path, tweets, seed=0, name=bundle.manifest.name)
    uncalibrated = at_temperature(evaluation.probabilities, 1 / bundle.manifest.temperature)
    temperature = round(fitted_temperature(uncalibrated, evaluation.gold), 4)
    before = calibration(uncalibrated, evaluation.gold)
    after = calibration(at_temperature(uncalibrated, temperature), evaluation.gold)
    fitted = {
        "data": [file.name for file in data],
        "tweets": len(tweets),
        "before": _summary(before),
        "after": _summary(after),
    }
    replace_manifest(bundle, temperature=temperature, calibration=fitted)
    typer.echo(f"temperature {temperature:g}, fitted on {len(tweets):,} tweets")
    typer.echo(f"ECE on these tweets: {before.expected_error:.1%} before, {after.expected_error:.1%} after")


def _summary(measured: Calibration) -> dict[str, object]:
    return {name: value for name, value in measured.as_json().items() if name != "bins"}
