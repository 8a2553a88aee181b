"""JSON schemas of the types that messages are built with."""

from collections.abc import Iterable
from typing import Any, get_args

from pydantic import TypeAdapter
from typing_extensions import get_original_bases

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/{model}"


def reference(described: type) -> Schema:
    """Return the reference to a type's schema."""
    return {"$ref": _REFERENCE.format(model=described.__name__)}


def schemas_of(types: Iterable[type]) -> dict[str, Schema]:
    """Return the schemas of types and of the types in them, by the types' names."""
    known = {each.__name__: each for each in types}
    inputs: Any = [(each, "serialization", TypeAdapter(each)) for each in known.values()]
    _, found = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE)
    definitions: dict[str, Schema] = found["$defs"]
    for name, schema in definitions.items():
        for key, field in schema.get("properties", {}).items():
            field.pop("title", None)  # pydantic makes it of the key
            if "description" not in field and (inherited := _inherited(known.get(name), key)):
                field["description"] = inherited
        schema.pop("title", None)
    return dict(sorted(definitions.items()))


def _inherited(described: type | None, key: str) -> str | None:
    """Return the description of a field that a type has from one that it extends: pydantic reads only its own."""
    for base in get_original_bases(described) if described else ():
        if key in getattr(base, "__annotations__", {}) and not get_args(base):
            schema = TypeAdapter(base).json_schema(mode="serialization")
            description = schema["properties"][key].get("description") or _inherited(base, key)
            return str(description) if description else None
    return None
