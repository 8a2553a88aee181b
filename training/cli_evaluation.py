"""Commands that evaluate a bundle: names, options and help. training/commands/ implements them."""

# ruff: noqa: PLC0415, PLR0913
# Reasons: see training/cli.py.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.extras import require_extra
from training.options import Data, with_data_options

if TYPE_CHECKING:
    from training.datasets import ReadOptions

app = typer.Typer()

Seed = Annotated[int, typer.Option(help="Seed of the bootstrap.")]


@app.command()
@with_data_options
def evaluate(
    *,
    read_options: "ReadOptions",
    data: Data,
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
    seed: Seed = 0,
) -> None:
    """Score bundles on labelled tweets side by side; compare each with the first, and show mean and deviation."""
    require_extra("evaluate", "scipy")
    if train:
        require_extra("training", "sklearn")
    from training.commands.evaluate import EvaluationOptions, evaluate_bundles

    options = EvaluationOptions(seed, "json" if json else "markdown" if markdown else "terminal", train or (), plots)
    evaluate_bundles(bundles or [], data, read_options, options)


@app.command()
@with_data_options
def calibrate(
    *,
    read_options: "ReadOptions",
    bundle: Annotated[Path, typer.Argument(help="Folder of the bundle; the temperature is written into its manifest.")],
    data: Data,
) -> None:
    """Fit a bundle's temperature on labelled tweets, so that confidence matches accuracy; no label changes."""
    require_extra("evaluate", "scipy")
    from training.commands.calibrate import calibrate_bundle

    calibrate_bundle(bundle, data, read_options)


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
