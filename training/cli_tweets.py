"""`starling tweets …`: names, options and help; what each does is in training/commands/."""

# ruff: noqa: PLC0415
# As in training/cli.py; a command has as many parameters as options.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.extras import require_training_extra
from training.options import with_data_options

if TYPE_CHECKING:
    from training.datasets import ReadOptions

tweets = typer.Typer(name="tweets", help="Labelled tweets: look at them, fetch their texts.", no_args_is_help=True)


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
    out: Annotated[Path, typer.Option(metavar="FILE", help="JSON lines; gzipped if its name ends in .gz.")],
) -> None:
    """Write labelled tweets of any format as JSON lines, each id once: what `starling experiment` reads on a device."""
    from training.commands.export import export_data

    export_data(data, read_options, out)


@tweets.command()
def hydrate(
    ids: Annotated[Path, typer.Argument(help="A file with an id at the beginning of each line, or RepLab's folder.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="JSON lines, appended to; FILE.missing has the rest.")],
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the bearer token; without it, X_BEARER_TOKEN has it.")
    ] = None,
    api: Annotated[str, typer.Option(metavar="URL", help="Where the API is.")] = "https://api.twitter.com",
) -> None:
    """Fetch the texts of tweets by their ids from the X API v2; the same command goes on after any interruption."""
    require_training_extra("tweepy")
    from training.commands.hydrate import Access, hydrate_ids

    hydrate_ids(ids, out, Access(token_file, api))
