"""The options by which commands are told of labelled tweets: the same for all of them."""

# ruff: noqa: PLC0415
# The service's command line loads this file each time, and must not wait for the readers of data.

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.data.formats import Format

if TYPE_CHECKING:
    from stream.bundle import Polarity
    from training.datasets import Reading

_PANEL = "The data"

Data = Annotated[
    list[Path],
    typer.Option(
        help="Labelled tweets: a file, a folder of files, or RepLab's folder; may be given several times.",
        rich_help_panel=_PANEL,
    ),
]
DataFormat = Annotated[
    Format | None,
    typer.Option(
        "--format", help="The data's format; without it, the files' names and first lines tell.", rich_help_panel=_PANEL
    ),
]
TextColumn = Annotated[
    str | None, typer.Option(help="A table's column with the text, if not text.", rich_help_panel=_PANEL)
]
LabelColumn = Annotated[str | None, typer.Option(help="That with the label, if not label.", rich_help_panel=_PANEL)]
IdColumn = Annotated[
    str | None, typer.Option(help="That with the tweet's id, if not id; needed by none.", rich_help_panel=_PANEL)
]
EntityColumn = Annotated[
    str | None, typer.Option(help="That with the entity, if not entity; needed by none.", rich_help_panel=_PANEL)
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="NAME=POLARITY",
        help="What a table's own label means; once for each.",
        rich_help_panel=_PANEL,
    ),
]


def reading(
    data_format: Format | None,
    text: str | None,
    label: str | None,
    identifier: str | None,
    entity: str | None,
    labels: Sequence[str] | None,
) -> "Reading":
    """Gathers what the options say of the data.

    Raises:
        typer.BadParameter: A label's meaning is no polarity.
    """
    from training.data.tables import Columns
    from training.datasets import Reading

    polarities = dict(_meaning(each) for each in labels or ())
    return Reading(data_format, Columns(text, label, identifier, entity, polarities))


def _meaning(option: str) -> "tuple[str, Polarity]":
    from stream.bundle import POLARITIES

    name, _, polarity = option.rpartition("=")
    if not name or polarity not in POLARITIES:
        raise typer.BadParameter(f"--label {option}: write NAME={'|'.join(POLARITIES)}, as in --label good=positive")
    return name, polarity
