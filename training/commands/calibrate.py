"""`starling calibrate`: fits temperature and class biases of a bundle, and folds them into its last layer."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import typer

from stream.errors import InputError
from stream.model.bundle import Bundle, Manifest, load_bundle
from stream.model.classifier import Classifier
from stream.model.private_copy import PrivateCopy
from stream.model.tokenizer import Tokenizer
from stream.tweets.polarity import POLARITIES
from training.commands.evaluate import evaluate_bundle, plotting, read_evaluation_tweets, show_grids
from training.datasets import ReadOptions
from training.errors import DisagreementError
from training.evaluation.calibration import Logits, softmax
from training.evaluation.calibration_gain import Gain, Measured, gain_sentence, gains
from training.evaluation.evaluation import Evaluation
from training.evaluation.last_layer import Affine, fold
from training.evaluation.plots import Diagram, draw_reliability
from training.evaluation.stored_calibration import StoredCalibration, stored_calibration, uncalibrated_bundle
from training.evaluation.tables import calibration_grid
from training.evaluation.vector_scaling import (
    METHODS,
    Method,
    Objective,
    check_classes,
    class_shares,
    cross_fitted,
    fit,
)
from training.manifests import changed_manifest, replace_model

_MOST_DIFFERENCE = {"float32": 1e-4, "float16": 2e-2, "int8": 1e-4}
"""Difference of the folded model's logits from the calibrated ones, at most; at 16 bits the new weights are rounded."""
_PROBES, _PROBE_TOKENS = 32, 24


@dataclass(frozen=True)
class CalibrationOptions:
    """Options of a calibration."""

    method: Method = "biases"
    """Quantities that are fitted."""
    prior: Sequence[float] | None = None
    """Class prior for which the probabilities are calibrated; None: that of the data."""
    folds: int = 10
    """Number of folds of the cross-fitting."""
    seed: int = 0
    """Seed of the folds and of the bootstrap."""
    plots: Path | None = None
    """Folder for the reliability diagram; None: none is drawn."""


def calibrate_bundle(path: Path, data: Sequence[Path], read_options: ReadOptions, options: CalibrationOptions) -> None:
    """Fit a calibration on labelled tweets, fold it into the bundle's model file, and state it in the manifest.

    A calibration that the bundle has already is replaced.

    Args:
        path: Folder of the bundle.
        data: Labelled tweets that the model was not trained on.
        read_options: Format and columns of the data.
        options: Method, class prior and cross-fitting.

    Raises:
        StarlingError: The data or the bundle cannot be used, or a file cannot be written.
    """
    tweets = read_evaluation_tweets(data, read_options)
    bundle = load_bundle(path)
    _warn_of_training_data(bundle.manifest, data)
    evaluation = evaluate_bundle(path, tweets, options.seed, bundle.manifest.name)
    logits = _uncalibrated_logits(evaluation)
    prior = class_shares(evaluation.gold) if options.prior is None else np.array(options.prior)
    objective = Objective(options.method, prior)
    check_classes(evaluation.gold, objective)
    change = fit(logits, evaluation.gold, objective)

    compared = _cross_fitted(logits, evaluation, objective, options)
    before, after = compared["before"], compared[options.method]
    gained = gains(before, after, options.seed)
    about = {
        "method": options.method,
        "prior": prior.round(6).tolist(),
        "data": [file.name for file in data],
        "tweets": len(tweets),
        "cross_fitted": {
            "folds": options.folds,
            "seed": options.seed,
            "before": before.as_json(),
            "after": after.as_json(),
            "gain": {name: gain.as_json() for name, gain in gained.items()},
        },
    }
    replace_model(bundle, *_folded(bundle, change, about))
    _report(change, objective, compared, gained)
    if options.plots:
        diagram = Diagram(bundle.manifest, len(tweets), after.calibration, before.calibration)
        with plotting(options.plots):
            draw_reliability(diagram, f"{bundle.path.resolve().name}-cross-fitted", options.plots)


def undo_calibration(path: Path) -> None:
    """Restore a bundle's model file and manifest as they were before any calibration.

    Raises:
        StarlingError: The bundle cannot be used, it is not calibrated, or a file cannot be written.
    """
    bundle = load_bundle(path)
    manifest = bundle.manifest
    stored = stored_calibration(manifest)
    if stored is None and manifest.temperature == 1 and not manifest.calibration:
        raise InputError(f"{bundle.path} is not calibrated, so there is nothing to undo")
    before = uncalibrated_bundle(bundle)
    replace_model(bundle, before.model.path.read_bytes(), before.manifest)
    typer.echo(f"{bundle.path} is as it was before the calibration")


def _uncalibrated_logits(evaluation: Evaluation) -> Logits:
    stored = stored_calibration(evaluation.manifest)
    return evaluation.logits if stored is None else stored.change.invert(evaluation.logits)


def _cross_fitted(
    logits: Logits, evaluation: Evaluation, objective: Objective, options: CalibrationOptions
) -> dict[str, Measured]:
    """Return the measures before the calibration, and cross-fitted by each method for which there are tweets enough."""
    gold, prior = evaluation.gold, objective.prior
    compared = {"before": Measured(softmax(logits), gold, prior)}
    for method in METHODS:
        if method == objective.method or objective.method != "temperature":
            probabilities = cross_fitted(logits, gold, Objective(method, prior), options.folds, options.seed)
            compared[method] = Measured(probabilities, gold, prior)
    return compared


def _folded(bundle: Bundle, change: Affine, about: dict[str, Any]) -> tuple[bytes, Manifest]:
    """Return the calibrated model and its manifest, after a comparison of their logits with the calibrated ones.

    Raises:
        ConversionError: The change cannot be folded into the model.
        DisagreementError: The model's logits are other ones.
    """
    before = uncalibrated_bundle(bundle)
    original = before.model.path.read_bytes()
    columns = change.in_order([POLARITIES.index(label) for label in bundle.manifest.labels])
    content, replaced = fold(original, columns)
    calibrated = replace(bundle, model=PrivateCopy([content], len(content)))
    difference = np.abs(_probe(calibrated) - columns.apply(_probe(before))).max()
    if not difference <= _MOST_DIFFERENCE[bundle.manifest.precision]:
        raise DisagreementError(
            f"{bundle.path} is not changed: with the calibration in its last layer its logits differ by "
            f"{difference:.2g} from the calibrated ones"
        )
    stored = StoredCalibration(change, replaced, hashlib.sha256(original).hexdigest())
    return content, changed_manifest(bundle, content, temperature=1.0, calibration={**about, **stored.as_json()})


def _probe(bundle: Bundle) -> Logits:
    """Return a bundle's logits for random tokens."""
    length = min(_PROBE_TOKENS, bundle.manifest.max_tokens)
    shape = (_PROBES, length)
    words = np.random.default_rng(0).integers(1, Tokenizer(bundle).largest_id, shape, endpoint=True)
    return Classifier(bundle).logits(words.tolist()).astype(np.float64)


def _warn_of_training_data(manifest: Manifest, data: Sequence[Path]) -> None:
    known = {file.name for file in data} & set(map(str, manifest.training.get("data", [])))
    if known:
        typer.echo(
            f"warning: the model was trained on files of the same name, {', '.join(sorted(known))}; a calibration "
            "needs tweets that the model was not trained on",
            err=True,
        )


def _report(change: Affine, objective: Objective, compared: Mapping[str, Measured], gained: Mapping[str, Gain]) -> None:
    tweets = len(compared["before"].gold)
    shares = " / ".join(f"{share:.1%}" for share in objective.prior)
    typer.echo(f"fitted on {tweets:,} tweets, for classes of {shares} ({' / '.join(POLARITIES)})")
    temperatures = 1 / change.scale
    by_class = _by_class(temperatures, "") if objective.method == "scales" else f"{temperatures[0]:.4g}"
    biases = "" if objective.method == "temperature" else f"; biases {_by_class(change.bias, '+')}"
    typer.echo(f"temperature {by_class}{biases}")
    show_grids([calibration_grid(compared, objective.method)])
    for name, gain in gained.items():
        typer.echo(gain_sentence(name, gain))


def _by_class(values: Iterable[float], sign: str) -> str:
    return ", ".join(f"{polarity} {value:{sign}.4g}" for polarity, value in zip(POLARITIES, values, strict=True))
