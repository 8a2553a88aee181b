"""`starling tweets …`: names, options and help. training/commands/ implements the commands."""

# ruff: noqa: PLC0415
# Reasons: see training/cli.py.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.extras import require_training_extra
from training.options import with_data_options

if TYPE_CHECKING:
    from training.datasets import ReadOptions

tweets = typer.Typer(
    name="tweets", help="Inspect, split and convert labelled tweets; fetch texts by id.", no_args_is_help=True
)


@tweets.command()
@with_data_options
def inspect(
    *,
    read_options: "ReadOptions",
    data: Annotated[
        list[Path],
        typer.Argument(help="Labelled tweets: files, folders of files, or RepLab's folder.", metavar="DATA"),
    ],
    dev: Annotated[
        list[Path] | None, typer.Option(help="What is held out from training, and should share no tweet with DATA.")
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Show the tweets that contradict or leak.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Count classes, lengths, repeats, contradictions and leaks in labelled tweets."""
    from training.commands.inspect import inspect_data

    inspect_data(data, dev or [], read_options, show_text=text, as_json=json)


@tweets.command()
@with_data_options
def export(
    *,
    read_options: "ReadOptions",
    data: Annotated[
        list[Path],
        typer.Argument(help="Labelled tweets: files, folders of files, or RepLab's folder.", metavar="DATA"),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Output: JSON lines; gzipped if its name ends in .gz.")],
) -> None:
    """Convert labelled tweets of any format to JSON lines, each id once, for `starling experiment` on a device."""
    from training.commands.export import export_data

    export_data(data, read_options, out)


@tweets.command()
def hydrate(
    ids: Annotated[Path, typer.Argument(help="File with an id at the beginning of each line, or RepLab's folder.")],
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", help="JSON lines, appended; FILE.missing gets the ids of missing tweets."),
    ],
    token_file: Annotated[
        Path | None, typer.Option(help="File with the bearer token; default: the environment variable X_BEARER_TOKEN.")
    ] = None,
    api: Annotated[str, typer.Option(metavar="URL", help="Base URL of the API.")] = "https://api.twitter.com",
) -> None:
    """Fetch texts of tweets by id from the X API v2. After an interruption, the same command continues."""
    require_training_extra("tweepy")
    from training.commands.hydrate import Access, hydrate_ids

    hydrate_ids(ids, out, Access(token_file, api))
