"""`starling asyncapi`: the topics and messages of this node, in AsyncAPI 3."""

from pathlib import Path

import orjson
import typer

from stream.asyncapi.document import asyncapi_document
from stream.asyncapi.yaml_text import yaml_text
from stream.settings import load_settings


def print_asyncapi(config: Path | None, *, as_json: bool) -> None:
    """Print the document for a node's settings.

    Args:
        config: The settings file.
        as_json: Whether to print JSON instead of YAML.

    Raises:
        SettingsError: The settings are wrong.
    """
    document = asyncapi_document(load_settings(config))
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n" if as_json else yaml_text(document)
    typer.echo(text, nl=False)
