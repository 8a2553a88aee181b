"""Commands that evaluate a bundle: names, options and help. training/commands/ implements them."""

# ruff: noqa: PLC0415, PLR0913
# Reasons: see training/cli.py.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from stream.commands.options import BelowThreshold, Cascade, CascadeThreshold, Prior, Threshold
from training.extras import require_extra
from training.options import Data, OptionalData, with_data_options

if TYPE_CHECKING:
    from training.datasets import ReadOptions

app = typer.Typer()

Seed = Annotated[int, typer.Option(help="Seed of the bootstrap.")]


@app.command()
@with_data_options
def evaluate(
    *,
    read_options: "ReadOptions",
    data: OptionalData = None,
    bundles: Annotated[
        list[Path] | None, typer.Argument(metavar="BUNDLE", help="Folders of bundles; default: the shipped bundle.")
    ] = None,
    train: Annotated[
        list[Path] | None,
        typer.Option(help="Training data of the baselines shown for data with entities; may be repeated."),
    ] = None,
    plots: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write plots into it, as SVG and PNG.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    prior: Prior = None,
    threshold: Threshold = None,
    below_threshold: BelowThreshold = None,
    checklist: Annotated[
        bool,
        typer.Option("--checklist", help="Show the accuracy by kind of everyday tweet, for example negation or slang."),
    ] = False,
    cascade: Cascade = None,
    cascade_threshold: CascadeThreshold = None,
    seed: Seed = 0,
) -> None:
    """Score bundles on labelled tweets side by side; compare each with the first, and show mean and deviation."""
    require_extra("evaluate", "scipy")
    if train:
        require_extra("training", "sklearn")
    from stream.commands.decision import decision_settings, model_settings
    from training.commands.evaluate import EvaluationOptions, evaluate_bundles

    if not data and not checklist:
        raise typer.BadParameter("give --data, labelled tweets that the model was not trained on, or --checklist")
    output: Literal["terminal", "markdown", "json"] = "json" if json else "markdown" if markdown else "terminal"
    decision = decision_settings(prior, threshold, below_threshold)
    settings = model_settings(None, cascade, cascade_threshold)
    options = EvaluationOptions(
        seed, output, train or (), plots, decision, checklist, cascade=settings if cascade else None
    )
    evaluate_bundles(bundles or [], data or [], read_options, options)


@app.command()
@with_data_options
def calibrate(
    *,
    read_options: "ReadOptions",
    bundle: Annotated[
        Path | None, typer.Argument(help="Folder of the bundle, whose model and manifest are changed.")
    ] = None,
    data: OptionalData = None,
    cascade: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="FIRST SECOND",
            help="Fit the threshold of a cascade instead, of two bundles, which stay as they are: the largest share "
            "answered by the first.",
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0, max=100, metavar="POINTS", help="Loss of macro-recall against the second bundle, with --cascade."
        ),
    ] = 0.2,
    instructions: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="FIRST SECOND",
            help="Instructions per tweet of both bundles, in millions, for example from docs/arm.md, with --cascade.",
        ),
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option("--settings", metavar="FILE", help="Write the settings of the cascade into it, with --cascade."),
    ] = None,
    method: Annotated[
        Literal["temperature", "biases", "scales"],
        typer.Option(
            help="Quantities that are fitted: one temperature, which changes no label; a temperature and a bias for "
            "each class; a scale and a bias for each class."
        ),
    ] = "biases",
    prior: Annotated[
        str,
        typer.Option(
            metavar="equal|data|SHARE,SHARE,SHARE",
            help="Shares of negative, neutral and positive tweets for which the probabilities are calibrated: equal "
            "ones, those of the data, or others, for example 0.2,0.5,0.3.",
        ),
    ] = "equal",
    folds: Annotated[int, typer.Option(min=2, max=100, help="Number of folds of the cross-fitting.")] = 10,
    plots: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the cross-fitted reliability diagram into it.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Restore the bundle as it was before any calibration.")] = False,
    seed: Seed = 0,
) -> None:
    """Fit temperature and class biases of a bundle on labelled tweets, and fold them into its model file.

    With --cascade, fit the threshold of a cascade of two bundles.
    """
    require_extra("evaluate", "scipy")
    if (cascade is None) == (bundle is None):
        raise typer.BadParameter("give either a bundle to calibrate, or --cascade with the two bundles of a cascade")
    if cascade is not None:
        from training.commands.calibrate_cascade import CascadeOptions, calibrate_cascade

        if undo or not data:
            raise typer.BadParameter("--cascade needs --data, labelled tweets that neither model was trained on")
        calibrate_cascade(
            *cascade, data, read_options, CascadeOptions(tolerance / 100, folds, seed, instructions, settings_file)
        )
        return
    if bundle is None or instructions or settings_file:
        raise typer.BadParameter("--instructions and --settings need --cascade")
    from training.commands.calibrate import CalibrationOptions, calibrate_bundle, undo_calibration

    if undo == bool(data):
        raise typer.BadParameter("give either --data, labelled tweets that the model was not trained on, or --undo")
    if undo:
        undo_calibration(bundle)
        return
    options = CalibrationOptions(method, _class_prior(prior), folds, seed, plots)
    calibrate_bundle(bundle, data or [], read_options, options)


@app.command()
@with_data_options
def card(
    *,
    read_options: "ReadOptions",
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle.")],
    data: Data,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: README.md in the bundle.")] = None,
) -> None:
    """Write a bundle's model card from its manifest and its scores on labelled tweets."""
    require_extra("evaluate", "scipy")
    from training.commands.card import write_card

    write_card(bundle, data, read_options, out)


def _class_prior(option: str) -> "tuple[float, ...] | None":
    """Return the shares of a class prior; None: those of the data.

    Raises:
        typer.BadParameter: They are wrong.
    """
    from stream.commands.decision import decision_settings

    if option == "equal":
        return (1 / 3, 1 / 3, 1 / 3)
    return None if option == "data" else decision_settings(option, None, None).prior
