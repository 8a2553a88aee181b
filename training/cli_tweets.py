"""`starling tweets …`: names, options and help. training/commands/ implements the commands."""

# ruff: noqa: PLC0415
# Reasons: see training/cli.py.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.extras import require_extra
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
        list[Path] | None, typer.Option(help="Held-out data, which should share no tweet with DATA; may be repeated.")
    ] = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option(metavar="DATA", help="Another data set, whose overlap with DATA is counted; may be repeated."),
    ] = None,
    text: Annotated[
        bool, typer.Option("--text", help="Print contradicting tweets, and those that are held out too.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Count classes, entities, languages, lengths, duplicates, contradictions and overlaps in labelled tweets."""
    from training.commands.inspect import inspect_data

    inspect_data(data, dev or [], compare or [], read_options, show_text=text, as_json=json)


@tweets.command()
@with_data_options
def split(
    *,
    read_options: "ReadOptions",
    data: Annotated[
        list[Path],
        typer.Argument(
            help="Labelled tweets with entities: files, folders of files, or RepLab's folder.", metavar="DATA"
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the files, which are replaced if they exist.")],
    seed: Annotated[int, typer.Option(help="Seed of the choice of entities.")] = 0,
    dev_share: Annotated[
        float, typer.Option(min=0.01, max=0.5, help="Share of each entity's tweets, and of the entities, for dev.")
    ] = 0.15,
) -> None:
    """Split tweets into training and dev sets: by time, with each entity's latest tweets as dev, and by entity."""
    from training.commands.split import split_data

    split_data(data, read_options, out, seed, dev_share)


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
    require_extra("training", "tweepy")
    from training.commands.hydrate import Access, hydrate_ids

    hydrate_ids(ids, out, Access(token_file, api))
