"""Commands that training/ adds to `starling`: names, options and help. training/commands/ implements them."""

# ruff: noqa: PLC0415, PLR0913
# A command imports its implementation when it runs, because the service's command line loads this file on each start.
# A command has as many parameters as options.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from training import cli_evaluation, cli_report, cli_training, cli_tweets
from training.extras import require_extra
from training.options import Data, with_data_options

if TYPE_CHECKING:
    from training.datasets import ReadOptions

app = typer.Typer()
app.add_typer(cli_training.app)
app.add_typer(cli_evaluation.app)
app.add_typer(cli_report.app)
app.add_typer(cli_tweets.tweets)


@app.command()
@with_data_options
def convert(
    *,
    read_options: "ReadOptions",
    checkpoint: Annotated[
        Path,
        typer.Argument(help="Folder of a fine-tuned BERT: config.json, model.safetensors, tokenizer.json."),
    ],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder of the bundle; must not exist yet.")],
    precision: Annotated[
        Literal["float32", "float16", "int8"], typer.Option(help="Precision of the weights.")
    ] = "int8",
    per_tensor: Annotated[
        bool, typer.Option("--per-tensor", help="One int8 scale per matrix, for tflite-runtime 2.14.")
    ] = False,
    keep_saved_model: Annotated[
        Path | None, typer.Option(help="Keep the intermediate SavedModel in this folder.")
    ] = None,
    about: Annotated[
        Path | None,
        typer.Option(help="TOML file with the model's name, licence, cleaning, …; default: CHECKPOINT/about.toml."),
    ] = None,
) -> None:
    """Convert a fine-tuned checkpoint to a model bundle, and compare the two on labelled tweets."""
    require_extra("training", "tensorflow")
    from training.commands.convert import ConversionOptions, convert_checkpoint
    from training.datasets import read_dataset

    options = ConversionOptions(precision, per_tensor, keep_saved_model)
    convert_checkpoint(checkpoint, about, read_dataset(data, read_options), out, options)
