"""Writing of a document as YAML, without a library: a subset of YAML that has only JSON's values."""

import json
import re
from collections.abc import Iterator

from pydantic import JsonValue

_PLAIN_KEY = re.compile(r"[A-Za-z$][\w$./-]*", re.ASCII)
_PLAIN_TEXT = re.compile(r"[A-Za-z][\w./-]*", re.ASCII)
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""Words that some readers of YAML take for something else than text."""


def yaml_text(document: JsonValue) -> str:
    """Return a document of JSON's types as YAML."""
    return "\n".join(_lines(document, "")) + "\n"


def _lines(value: JsonValue, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            head = f"{indent}{_text(key, _PLAIN_KEY)}:"
            if isinstance(inner, dict | list) and inner:
                yield head
                yield from _lines(inner, indent + "  ")
            else:
                yield f"{head} {_scalar(inner)}"
    elif isinstance(value, list) and value:
        for inner in value:
            first, *others = _lines(inner, indent + "  ")
            yield f"{indent}- {first.lstrip()}"
            yield from others
    else:
        yield indent + _scalar(value)


def _scalar(value: JsonValue) -> str:
    if isinstance(value, str):
        return _text(value, _PLAIN_TEXT)
    text = json.dumps(value)
    # YAML 1.1 takes a number for one in scientific notation only if it has a point.
    return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text


def _text(text: str, plain: re.Pattern[str]) -> str:
    if plain.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    # JSON's escapes for characters beyond 16 bits are two, which YAML does not join.
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in quoted)
