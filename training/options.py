"""Options for labelled tweets, the same for all commands that read them."""

# ruff: noqa: PLC0415
# The service's command line loads this file on each start, so the readers are imported only when a command runs.

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

_PANEL = "Data"

_DATA_OPTION = typer.Option(
    help="Labelled tweets: a file, a folder of files, or RepLab's folder; may be repeated.", rich_help_panel=_PANEL
)
Data = Annotated[list[Path], _DATA_OPTION]
OptionalData = Annotated[list[Path] | None, _DATA_OPTION]
_DataFormat = Annotated[
    Format | None,
    typer.Option("--format", help="Format; default: recognised from name and first line.", rich_help_panel=_PANEL),
]
_TextColumn = Annotated[
    str | None, typer.Option(help="Name of the text column of a table; default: text.", rich_help_panel=_PANEL)
]
_LabelColumn = Annotated[
    str | None, typer.Option(help="Name of the label column; default: label.", rich_help_panel=_PANEL)
]
_IdColumn = Annotated[
    str | None, typer.Option(help="Name of the id column, which is optional; default: id.", rich_help_panel=_PANEL)
]
_EntityColumn = Annotated[
    str | None,
    typer.Option(help="Name of the entity column, which is optional; default: entity.", rich_help_panel=_PANEL),
]
_Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="NAME=POLARITY",
        help="Meaning of a label of a table; repeated for each label.",
        rich_help_panel=_PANEL,
    ),
]


def with_data_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of reading labelled tweets to a command, which gets them as one argument, `read_options`.

    Typer takes a command's options from its signature, so they are added there.
    """
    options = signature(_read_options).parameters

    @wraps(command)
    def with_options(**given: Any) -> None:  # noqa: ANN401 - any parameters of the command
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
    """Return the options as `ReadOptions`.

    Raises:
        typer.BadParameter: The meaning of a label is not a polarity.
    """
    from training.data.tables import Columns
    from training.datasets import ReadOptions

    polarities = dict(_meaning(each) for each in labels or ())
    return ReadOptions(data_format, Columns(text_column, label_column, id_column, entity_column, polarities))


def _meaning(option: str) -> "tuple[str, Polarity]":
    from stream.tweets.polarity import POLARITIES

    name, _, polarity = option.rpartition("=")
    if not name or polarity not in POLARITIES:
        raise typer.BadParameter(f"--label {option}: use NAME={'|'.join(POLARITIES)}, for example good=positive")
    return name, polarity
