"""The fields that a shape finds, before they are checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = Mapping[str, Any]

_NAME = re.compile(r"[a-z][\w.]{0,63}", re.ASCII)
LONGEST_ID: Final = 128
"""Characters of a tweet's id, at most."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Values as they stand in the message: of any type, or None where there are none."""

    id: object
    text: object
    entity: object = None
    lang: object = None


def child(found: Json, key: str) -> Json:
    """Return the object at a key; an empty one where there is none."""
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def shown_name(value: object) -> str:
    """Return a name of the sender's for an error; 'unknown' in place of what is no name and could be a text."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else "unknown"


def known_id(value: object) -> str | None:
    """Return the id of a rejected message as its rejection names it; None where it is no id."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value.strip() and len(value) <= LONGEST_ID else None
