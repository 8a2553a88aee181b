"""`starling report`: its options and help; the report is made in training/report/. It needs the `plots` extra only."""

# ruff: noqa: FBT002, PLC0415, PLR0913, PLR0917
# As in training/cli.py; a report has many options.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stream.errors import InputError
from training.extras import require_extra

if TYPE_CHECKING:
    from training.report.paper import Paper

app = typer.Typer()

Recordings = Annotated[
    list[str] | None,
    typer.Option(
        "--power-record",
        metavar="NODE,FILE,SECONDS,ERROR",
        help="Power of a node that another computer recorded with `starling power record`; that computer's clock minus "
        "the node's, and the standard error of this difference. May be repeated.",
    ),
]


@app.command()
def report(
    results: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders that `starling experiment` filled, of any devices; without one, the paper's numbers alone.",
            metavar="RESULTS",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report. Without it, the paper's statements are printed.")
    ] = None,
    paper: Annotated[
        bool, typer.Option("--paper/--without-paper", help="Show the paper's numbers and statements.")
    ] = True,
    paper_file: Annotated[
        Path | None, typer.Option(help="The paper's numbers, TOML; default: those that come with Starling.")
    ] = None,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="Draw the figures.")] = True,
    power_record: Recordings = None,
    instructions: Annotated[
        Path | None, typer.Option(help="Instructions per tweet, JSON, as `make arm-instructions` writes them.")
    ] = None,
) -> None:
    """Make the paper's tables and figures from the results of any number of devices."""
    from training.report.paper import PAPER_FILE, load_paper

    if out is None and not results:
        _print_claims(load_paper(paper_file or PAPER_FILE))
        return
    if out is None:
        raise InputError("name the folder of the report with --out")
    require_extra("plots", "matplotlib")
    from training.report.loading import recording_named
    from training.report.report import ReportOptions, write_report

    recordings = tuple(map(recording_named, power_record or ()))
    options = ReportOptions(paper, pictures, paper_file or PAPER_FILE, recordings, instructions)
    write_report(results or [], out, options)
    typer.echo(f"{out / 'report.html'}, and the same as Markdown beside it")


def _print_claims(paper: "Paper") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from training.report.claims import table_of_claims

    claims = table_of_claims(paper)
    table = Table(*claims.head, title=claims.title, show_lines=True)
    for row in claims.body:
        table.add_row(*map(escape, row))
    Console().print(table)
