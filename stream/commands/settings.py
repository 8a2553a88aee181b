"""`starling settings`: a settings file with every setting, each commented out."""

import json
import textwrap
from collections.abc import Iterator
from typing import get_args

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
    lists = []
    for name, field in model.model_fields.items():
        if element := _element(field):
            lists.append((name, field, element))
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            sections.append((name, field.annotation))
        else:
            yield f"\n{_comment(field.description or '')}\n# {name} = {_value(field)}\n"
    for name, section in sections:
        yield f"\n\n{_comment(section.__doc__ or '')}\n[{name}]\n"
        yield from _lines(section)
    for name, field, element in lists:
        yield f"\n\n{_comment(field.description or '')} One such table for each:\n"
        yield from _table(name, element)


def _element(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a list's elements; None for other fields."""
    element = next(iter(get_args(field.annotation)), None)
    return element if isinstance(element, type) and issubclass(element, BaseModel) else None


def _table(name: str, element: type[BaseModel]) -> Iterator[str]:
    """Yield a table of a list, indented, so that it is no setting of the section above."""
    yield f"#   [[{name}]]\n"
    for key, field in element.model_fields.items():
        yield f"{_comment(field.description or '', indent='#   # ')}\n#   {key} = {_value(field)}\n"


def _comment(text: str, indent: str = "# ") -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)


def _value(field: FieldInfo) -> str:
    """Return the default as TOML, which is the same as JSON for the types that settings have."""
    if field.default is None or field.default is PydanticUndefined:
        return '"…"'
    return json.dumps(field.default)
