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
def report(
    results: Annotated[list[Path], typer.Argument(help="Folders that `starling experiment` filled, of any devices.")],
    out: Annotated[Path, typer.Option(help="The report's folder.")],
    with_paper: Annotated[
        bool, typer.Option("--with-paper/--without-paper", help="The paper's own numbers beside ours.")
    ] = True,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="The figures too.")] = True,
    paper: Annotated[
        Path | None, typer.Option(help="The paper's numbers, TOML; without it, those that are known to us.")
    ] = None,
) -> None:
    """Make the paper's tables and figures of the results of any number of devices."""
    if find_spec("matplotlib") is None:
        raise StarlingError("this needs the plots extra: pip install 'starling-edge[plots]'")
    from training.report.paper import KNOWN_NUMBERS
    from training.report.report import Wishes, write_report

    wishes = Wishes(with_paper=with_paper, with_pictures=pictures, paper=paper or KNOWN_NUMBERS)
    write_report(results, out, wishes)
    typer.echo(f"{out / 'report.html'}, and the same as Markdown beside it")


def _need_the_training_extra() -> None:
    if find_spec("tensorflow") is None:
        raise StarlingError("this needs the training extra: pip install 'starling-edge[training]'")
