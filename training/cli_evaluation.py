"""The commands that measure a bundle: names, options and help; what they do is in training/commands/."""

# ruff: noqa: FBT002, PLC0415, PLR0913, PLR0917
# As in training/cli.py; a command has as many parameters as options.

from pathlib import Path
from typing import Annotated

import typer

from training.options import (
    Data,
    DataFormat,
    EntityColumn,
    IdColumn,
    LabelColumn,
    Labels,
    TextColumn,
    reading,
)
from training.requirements import need_the_training_extra

app = typer.Typer()

Seed = Annotated[int, typer.Option(help="That of the bootstrap.")]


@app.command()
def evaluate(
    data: Data,
    bundles: Annotated[
        list[Path] | None, typer.Argument(metavar="BUNDLE", help="Folders; without any, the shipped bundle.")
    ] = None,
    plots: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Draw into it, as SVG and PNG.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Tables in Markdown.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
    seed: Seed = 0,
    data_format: DataFormat = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    id_column: IdColumn = None,
    entity_column: EntityColumn = None,
    labels: Labels = None,
) -> None:
    """Score bundles on labelled tweets, side by side: the first against each other one, and their mean as of seeds."""
    need_the_training_extra()
    from training.commands.evaluate import Wanted, evaluate_bundles

    read = reading(data_format, text_column, label_column, id_column, entity_column, labels)
    shown = Wanted(seed, "json" if json else "markdown" if markdown else "terminal", plots)
    evaluate_bundles(bundles or [], data, read, shown)


@app.command()
def calibrate(
    bundle: Annotated[Path, typer.Argument(help="The bundle's folder; its manifest gets the temperature.")],
    data: Data,
    data_format: DataFormat = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    id_column: IdColumn = None,
    entity_column: EntityColumn = None,
    labels: Labels = None,
) -> None:
    """Fit a bundle's temperature on labelled tweets, so that its confidence means what it says; no label changes."""
    need_the_training_extra()
    from training.commands.calibrate import calibrate_bundle

    read = reading(data_format, text_column, label_column, id_column, entity_column, labels)
    calibrate_bundle(bundle, data, read)


@app.command()
def card(
    bundle: Annotated[Path, typer.Argument(help="The bundle's folder.")],
    data: Data,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Without it, README.md in the bundle.")] = None,
    data_format: DataFormat = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    id_column: IdColumn = None,
    entity_column: EntityColumn = None,
    labels: Labels = None,
) -> None:
    """Write a bundle's model card, from its manifest and its scores on labelled tweets."""
    need_the_training_extra()
    from training.commands.card import write_card

    read = reading(data_format, text_column, label_column, id_column, entity_column, labels)
    write_card(bundle, data, read, out)
