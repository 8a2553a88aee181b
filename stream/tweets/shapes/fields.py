"""The fields that a shape finds, before they are checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


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
