"""The commands that measure a bundle: names, options and help; what they do is in training/commands/."""

# ruff: noqa: PLC0415, PLR0913
# As in training/cli.py; a command has as many parameters as options.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.extras import require_training_extra
from training.options import Data, with_data_options

if TYPE_CHECKING:
    from training.datasets import ReadOptions

app = typer.Typer()

Seed = Annotated[int, typer.Option(help="That of the bootstrap.")]


@app.command()
@with_data_options
def evaluate(
    *,
    read_options: "ReadOptions",
    data: Data,
    bundles: Annotated[
        list[Path] | None, typer.Argument(metavar="BUNDLE", help="Folders; without any, the shipped bundle.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Draw into it, as SVG and PNG.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Tables in Markdown.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
    seed: Seed = 0,
) -> None:
    """Score bundles on labelled tweets, side by side: the first against each other one, and their mean as of seeds."""
    require_training_extra()
    from training.commands.evaluate import EvaluationOptions, evaluate_bundles

    shown = EvaluationOptions(seed, "json" if json else "markdown" if markdown else "terminal", plots)
    evaluate_bundles(bundles or [], data, read_options, shown)


@app.command()
@with_data_options
def calibrate(
    *,
    read_options: "ReadOptions",
    bundle: Annotated[Path, typer.Argument(help="The bundle's folder; its manifest gets the temperature.")],
    data: Data,
) -> None:
    """Fit a bundle's temperature on labelled tweets, so that its confidence means what it says; no label changes."""
    require_training_extra()
    from training.commands.calibrate import calibrate_bundle

    calibrate_bundle(bundle, data, read_options)


@app.command()
@with_data_options
def card(
    *,
    read_options: "ReadOptions",
    bundle: Annotated[Path, typer.Argument(help="The bundle's folder.")],
    data: Data,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Without it, README.md in the bundle.")] = None,
) -> None:
    """Write a bundle's model card, from its manifest and its scores on labelled tweets."""
    require_training_extra()
    from training.commands.card import write_card

    write_card(bundle, data, read_options, out)
