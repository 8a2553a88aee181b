"""Options that several commands have. It imports nothing heavy, because every command line loads it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

_LONGEST_ENTITY = 256
"""The longest `entity` of a message that is kept whole."""

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file (TOML); default: the file that STARLING_CONFIG names."),
]
BrokerAddress = Annotated[
    str | None, typer.Option("--broker", "-b", metavar="HOST[:PORT]", help="The broker; overrides the settings.")
]
Model = Annotated[
    Path | None,
    typer.Option(help="Folder of a model bundle, or a shipped one: fast (smaller), reputation (reads entities)."),
]
Cascade = Annotated[
    Path | None,
    typer.Option(
        metavar="BUNDLE",
        help="Smaller bundle, for example first, that labels first and passes unsure tweets on; needs a threshold.",
    ),
]
CascadeThreshold = Annotated[
    str | None,
    typer.Option(
        metavar="MARGIN",
        help="Difference of the two highest probabilities below which a tweet is passed on, 0 to 1; or three with "
        "commas between them, for negative, neutral and positive.",
    ),
]
Prior = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE,SHARE,SHARE",
        help="Shares of negative, neutral and positive tweets, for example 0.2,0.5,0.3, by which the probabilities are "
        "weighted; default: as the model was calibrated.",
    ),
]
Threshold = Annotated[
    float | None, typer.Option(help="Confidence, 0 to 1, below which a tweet does not get its most probable polarity.")
]
BelowThreshold = Annotated[
    Literal["neutral", "reject"] | None,
    typer.Option(help="Result below the threshold: the label neutral, or a rejection (unsure); default: neutral."),
]
Languages = Annotated[
    Literal["flag", "reject", "off"] | None,
    typer.Option(
        help="Detect the language of tweets; flag (language_supported = false) or reject (other_language) those in "
        "languages that the model does not label; off: detect none, the default."
    ),
]
RouteTo = Annotated[
    Path | None,
    typer.Option(
        metavar="BUNDLE",
        help="Detect the language of tweets, and label those in other languages with this model bundle.",
    ),
]


def _entity_name(name: str | None) -> str | None:
    if name is not None and not (name.strip() and len(name) <= _LONGEST_ENTITY):
        raise typer.BadParameter(f"a name has 1 to {_LONGEST_ENTITY} characters")
    return name


Entity = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", callback=_entity_name, help="Entity that the tweets without an `entity` of their own concern."
    ),
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
