"""Commands that train models: names, options and help. training/commands/ implements them."""

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


@app.command()
@with_data_options
def train(
    *,
    read_options: "ReadOptions",
    recipe: Annotated[
        str,
        typer.Argument(
            help="minilm, minilm-recent, minilm-taught, minilm-taught-recent, minilm-fast, minilm-fast-recent, "
            "minilm-fast-taught, minilm-fast-taught-recent, minilm-distilled, minilm-distilled-recent, "
            "reputation-targets, reputation, mpnet, mobilebert, bert-large, reputation-mobilebert, "
            "reputation-bert-large, or a path of a TOML file."
        ),
    ],
    data: Data,
    dev: Annotated[Path, typer.Option(help="Labelled tweets of the dev set; they are excluded from training.")],
    seed: Annotated[
        list[int] | None, typer.Option(min=0, help="Random seed, default 0; may be repeated: one model per seed.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Number of seeds, from 0 on; instead of --seed.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; default: runs/RECIPE.")] = None,
    unlabelled: Annotated[
        list[Path] | None,
        typer.Option(help="Unlabelled tweets for adaptation or distillation: plain text, one tweet per line."),
    ] = None,
    teacher: Annotated[
        list[Path] | None, typer.Option(help="Teacher for distillation: a checkpoint, or a run with all its seeds.")
    ] = None,
    soft_labels: Annotated[
        list[Path] | None,
        typer.Option(
            "--soft-labels",
            help="File of soft labels for distillation, such as training/soft_labels/sentiment.npz, instead of "
            "--teacher; may be repeated.",
        ),
    ] = None,
    repeat: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE=NUMBER",
            help="Use the tweets of a file or folder of --data or --unlabelled this many times in each epoch, default "
            "1; may be repeated.",
        ),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Folder or name of the pretrained model; default: the recipe's.")
    ] = None,
) -> None:
    """Train a model by a recipe. After an interruption, the same command continues the run."""
    require_extra("training", "tensorflow")
    if seed and seeds:
        raise typer.BadParameter("give --seed or --seeds, not both")
    from training.commands.train import train_recipe
    from training.learning.recipe import read_recipe
    from training.learning.run import Run, find_checkpoints
    from training.learning.run_data import DataFiles, read_repetitions

    chosen = read_recipe(recipe)
    run = Run(
        recipe=chosen.model_copy(update={"base": base}) if base else chosen,
        files=DataFiles(
            data,
            dev,
            unlabelled or (),
            soft_labels or (),
            read_repetitions(repeat or (), [*data, *(unlabelled or ())]),
            read_options,
        ),
        teachers=[checkpoint for path in teacher or () for checkpoint in find_checkpoints(path)],
        seeds=range(seeds) if seeds else seed or [0],
        out=out or Path("runs") / chosen.name,
    )
    train_recipe(run)


@app.command()
def average(
    checkpoints: Annotated[list[Path], typer.Argument(help="Folders of checkpoints, or of runs with all their seeds.")],
    out: Annotated[Path, typer.Option(help="Folder of the average; must not exist yet.")],
) -> None:
    """Average the weights of checkpoints trained from the same initial weights, such as the seeds of a recipe."""
    require_extra("training", "tensorflow")
    from training.commands.average import average as average_all

    average_all(checkpoints, out)


@app.command()
def unpack(
    bundle: Annotated[Path, typer.Argument(help="Folder of a bundle, or name of a shipped one: default, fast.")],
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint; must not exist yet.")],
) -> None:
    """Make a checkpoint from a bundle, to train it further on your own tweets."""
    require_extra("training", "tensorflow")
    from training.commands.unpack import unpack as unpack_one

    unpack_one(bundle, out)
