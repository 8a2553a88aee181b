"""The options by which commands are told of labelled tweets: the same for all of them."""

# ruff: noqa: PLC0415
# The service's command line loads this file each time, and must not wait for the readers of data.

from collections.abc import Callable
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.data.formats import Format

if TYPE_CHECKING:
    from stream.tweets.polarity import Polarity
    from training.datasets import ReadOptions

_PANEL = "The data"

Data = Annotated[
    list[Path],
    typer.Option(
        help="Labelled tweets: a file, a folder of files, or RepLab's folder; may be given several times.",
        rich_help_panel=_PANEL,
    ),
]
_DataFormat = Annotated[
    Format | None,
    typer.Option(
        "--format", help="The data's format; without it, the files' names and first lines tell.", rich_help_panel=_PANEL
    ),
]
_TextColumn = Annotated[
    str | None, typer.Option(help="A table's column with the text, if not text.", rich_help_panel=_PANEL)
]
_LabelColumn = Annotated[str | None, typer.Option(help="That with the label, if not label.", rich_help_panel=_PANEL)]
_IdColumn = Annotated[
    str | None, typer.Option(help="That with the tweet's id, if not id; needed by none.", rich_help_panel=_PANEL)
]
_EntityColumn = Annotated[
    str | None, typer.Option(help="That with the entity, if not entity; needed by none.", rich_help_panel=_PANEL)
]
_Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="NAME=POLARITY",
        help="What a table's own label means; once for each.",
        rich_help_panel=_PANEL,
    ),
]


def with_data_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say how labelled tweets are read; it takes them as one argument, `read`.

    Typer reads a command's options from its signature, so that is where they are put.
    """
    options = signature(_read_options).parameters

    @wraps(command)
    def with_options(**given: Any) -> None:  # noqa: ANN401 - whatever the command takes
        read_options = _read_options(**{name: given.pop(name) for name in options})
        command(**given, read_options=read_options)

    own = [parameter for name, parameter in signature(command).parameters.items() if name != "read_options"]
    parameters = [*own, *options.values()]
    with_options.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options


def _read_options(
    *,
    data_format: _DataFormat = None,
    text_column: _TextColumn = None,
    label_column: _LabelColumn = None,
    id_column: _IdColumn = None,
    entity_column: _EntityColumn = None,
    labels: _Labels = None,
) -> "ReadOptions":
    """Gather what the options say of the data.

    Raises:
        typer.BadParameter: A label's meaning is no polarity.
    """
    from training.data.tables import Columns
    from training.datasets import ReadOptions

    polarities = dict(_meaning(each) for each in labels or ())
    return ReadOptions(data_format, Columns(text_column, label_column, id_column, entity_column, polarities))


def _meaning(option: str) -> "tuple[str, Polarity]":
    from stream.tweets.polarity import POLARITIES

    name, _, polarity = option.rpartition("=")
    if not name or polarity not in POLARITIES:
        raise typer.BadParameter(f"--label {option}: write NAME={'|'.join(POLARITIES)}, as in --label good=positive")
    return name, polarity
