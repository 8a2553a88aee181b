"""`starling settings`: a settings file with every setting, each commented out."""

import json
import textwrap
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from stream.settings import Settings

_WIDTH = 100
_HEADER = """\
# Starling's settings. Each line that is commented out shows the default; uncomment it to change it.
# The environment overrides this file: STARLING_BROKER__HOST is broker.host.
"""


def settings_template() -> str:
    """Return all settings as TOML, each commented out, with its meaning above it."""
    return _HEADER + "".join(_lines(Settings))


def _lines(model: type[BaseModel]) -> Iterator[str]:
    sections = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            sections.append((name, field.annotation))
        else:
            yield f"\n{_comment(field.description or '')}\n# {name} = {_value(field)}\n"
    for name, section in sections:
        yield f"\n\n{_comment(section.__doc__ or '')}\n[{name}]\n"
        yield from _lines(section)


def _comment(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _value(field: FieldInfo) -> str:
    """Return the default as TOML, which is the same as JSON for the types that settings have."""
    if field.default is None or field.default is PydanticUndefined:
        return '"…"'
    return json.dumps(field.default)
