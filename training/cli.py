"""The commands that training/ adds to `starling`: names, options and help; what they do is in training/commands/."""

# ruff: noqa: FBT002, PLC0415
# Typer reads options from plain booleans with defaults, and a command imports what it needs when it runs: the service's
# command line loads this file each time.

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from stream.errors import StarlingError

app = typer.Typer()


@app.command()
def convert(
    checkpoint: Annotated[
        Path, typer.Argument(help="A fine-tuned BERT's folder: config.json, model.safetensors, tokenizer.json.")
    ],
    data: Annotated[Path, typer.Option(help="Labelled tweets in SemEval's format, to check the bundle with.")],
    out: Annotated[Path, typer.Option(help="The bundle's folder, which must not exist yet.")],
    precision: Annotated[Literal["float32", "float16", "int8"], typer.Option(help="That of the weights.")] = "int8",
    per_tensor: Annotated[
        bool, typer.Option("--per-tensor", help="One int8 scale for each matrix, which tflite-runtime 2.14 needs.")
    ] = False,
    about: Annotated[
        Path | None, typer.Option(help="The model's name, licence, cleaning, …; without it, CHECKPOINT/about.toml.")
    ] = None,
) -> None:
    """Convert a fine-tuned checkpoint to a model bundle, and check that it still says the same."""
    _need_the_training_extra()
    from training.commands.convert import convert_checkpoint

    convert_checkpoint(checkpoint, about, data, out, precision, per_tensor=per_tensor)


@app.command()
def train(  # noqa: PLR0913, PLR0917
    recipe: Annotated[str, typer.Argument(help="A shipped recipe (minilm, mobilebert, …) or a TOML file.")],
    data: Annotated[list[Path], typer.Option(help="Labelled tweets to learn from; a file or a folder, repeatable.")],
    dev: Annotated[Path, typer.Option(help="Labelled tweets to judge by; what is in there is not learned from.")],
    seed: Annotated[list[int], typer.Option(help="The seed; several train several models.")] = [0],  # noqa: B006
    seeds: Annotated[int | None, typer.Option(min=1, help="Instead of --seed: 0 up to so many.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder; without it, runs/RECIPE.")] = None,
    unlabelled: Annotated[list[Path], typer.Option(help="Tweets without labels, plain text, one a line.")] = [],  # noqa: B006
    teacher: Annotated[list[Path], typer.Option(help="A checkpoint or a run to distil; repeatable.")] = [],  # noqa: B006
    base: Annotated[str | None, typer.Option(help="A folder, package:NAME or a hub's name, over the recipe's.")] = None,
) -> None:
    """Train a model by a recipe; the same command goes on where it was interrupted."""
    _need_the_training_extra()
    from training.commands.train import train_recipe
    from training.learning.recipe import read_recipe
    from training.learning.run import Run, find_teacher

    chosen = read_recipe(recipe)
    train_recipe(
        Run(
            recipe=chosen.model_copy(update={"base": base}) if base else chosen,
            data=data,
            dev=dev,
            unlabelled=unlabelled,
            teachers=[checkpoint for path in teacher for checkpoint in find_teacher(path)],
            seeds=range(seeds) if seeds else seed,
            out=out or Path("runs") / chosen.name,
        )
    )


def _need_the_training_extra() -> None:
    if find_spec("tensorflow") is None:
        raise StarlingError("this needs the training extra: pip install 'starling-edge[training]'")
