"""Options that several commands have. It imports nothing heavy, because every command line loads it."""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file (TOML); default: the file that STARLING_CONFIG names."),
]
BrokerAddress = Annotated[
    str | None, typer.Option("--broker", "-b", metavar="HOST[:PORT]", help="The broker; overrides the settings.")
]
Model = Annotated[
    Path | None,
    typer.Option(help="Folder of a model bundle, or fast, the smaller of the two shipped models; default: the larger."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Wait = Annotated[
    float,
    typer.Option(min=0, metavar="SECONDS", help="Time to keep trying to reach a broker whose connection was lost."),
]
PlainText = Annotated[
    bool | None,
    typer.Option(
        "--text/--json-lines",
        help="Read plain text, one tweet per line, or JSON lines; default: detected from the file's beginning.",
    ),
]
TextColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column or JSON key with the text; default: text, or another usual name."),
]
IdColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column or JSON key with the id; default: id, or another usual name."),
]
