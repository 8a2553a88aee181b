"""`starling report`: its options and help; what it does is in training/report/. It needs the plots extra alone."""

# ruff: noqa: FBT002, PLC0415
# As in training/cli.py.

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from stream.errors import StarlingError

app = typer.Typer()


@app.command()
def report(
    results: Annotated[
        list[Path], typer.Argument(help="Folders that `starling experiment` filled, of any devices.", metavar="RESULTS")
    ],
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
