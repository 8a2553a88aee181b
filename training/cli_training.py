"""The commands that train models: names, options and help; what they do is in training/commands/."""

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


@app.command()
@with_data_options
def train(
    *,
    read_options: "ReadOptions",
    recipe: Annotated[
        str,
        typer.Argument(
            help="minilm, minilm-recent, minilm-taught, minilm-taught-recent, minilm-fast, minilm-fast-recent, "
            "minilm-fast-taught, minilm-fast-taught-recent, mpnet, mobilebert, bert-large, or a TOML file."
        ),
    ],
    data: Data,
    dev: Annotated[Path, typer.Option(help="Labelled tweets to judge by; what is in there is not learned from.")],
    seed: Annotated[
        list[int] | None, typer.Option(min=0, help="The seed; several train a model each. Without it, 0.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Instead of --seed: so many, from 0 on.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder; without it, runs/ and the recipe's name.")] = None,
    unlabelled: Annotated[
        list[Path] | None, typer.Option(help="Tweets without labels, to adapt to or to distil with: text, one a line.")
    ] = None,
    teacher: Annotated[
        list[Path] | None, typer.Option(help="To distil: a checkpoint, or a run, all seeds of which then teach.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="The pretrained model's folder, or its name, instead of the recipe's.")
    ] = None,
) -> None:
    """Train a model by a recipe. Interrupted, the same command goes on from where it was."""
    require_training_extra("tensorflow")
    if seed and seeds:
        raise typer.BadParameter("give --seed or --seeds, not both")
    from training.commands.train import train_recipe
    from training.learning.recipe import read_recipe
    from training.learning.run import Run, find_checkpoints
    from training.learning.run_data import DataFiles

    chosen = read_recipe(recipe)
    run = Run(
        recipe=chosen.model_copy(update={"base": base}) if base else chosen,
        files=DataFiles(data, dev, unlabelled or (), read_options),
        teachers=[checkpoint for path in teacher or () for checkpoint in find_checkpoints(path)],
        seeds=range(seeds) if seeds else seed or [0],
        out=out or Path("runs") / chosen.name,
    )
    train_recipe(run)


@app.command()
def average(
    checkpoints: Annotated[
        list[Path], typer.Argument(help="Folders of checkpoints, or of runs, all seeds of which are taken.")
    ],
    out: Annotated[Path, typer.Option(help="The average's folder, which must not exist yet.")],
) -> None:
    """Average the weights of checkpoints that began alike, as the seeds of a recipe do: often better than each."""
    require_training_extra("tensorflow")
    from training.commands.average import average as average_all

    average_all(checkpoints, out)


@app.command()
def unpack(
    bundle: Annotated[Path, typer.Argument(help="A bundle's folder, or the name of a shipped one: default, fast.")],
    out: Annotated[Path, typer.Option(help="The checkpoint's folder, which must not exist yet.")],
) -> None:
    """Make a checkpoint of a bundle, to train it further on tweets of your own."""
    require_training_extra("tensorflow")
    from training.commands.unpack import unpack as unpack_one

    unpack_one(bundle, out)
