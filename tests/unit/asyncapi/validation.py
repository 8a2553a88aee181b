"""Validation of the AsyncAPI document, and of messages against it."""

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema

from stream.asyncapi.document import asyncapi_document
from stream.settings import Settings
from stream.topic_filters import matches

_SCHEMA = Path(__file__).parent / "asyncapi-3.0.0.schema.json.gz"
"""The official schema, from version 6.11.1 of the npm package @asyncapi/specs (Apache-2.0)."""


def document_faults(document: dict[str, Any]) -> list[str]:
    """Return what the official schema of AsyncAPI 3.0.0 finds in a document."""
    schema = json.loads(gzip.decompress(_SCHEMA.read_bytes()))
    return [
        f"{error.json_path}: {error.message[:300]}"
        for error in jsonschema.Draft7Validator(schema).iter_errors(document)
    ]


class Messages:
    """The messages that a document describes.

    Args:
        settings: The settings that the document is made for.
        strict: Whether a message may have only the fields that are described.
    """

    def __init__(self, settings: Settings, *, strict: bool = True) -> None:
        self.document = asyncapi_document(settings)
        self.components = self.document["components"]
        self._validators: dict[tuple[str, str], jsonschema.Draft202012Validator] = {}
        self._root = _strict(self.document) if strict else self.document

    def names_for(self, topic: str) -> list[str]:
        """Return the names of the messages that the channels of a topic have."""
        found: list[str] = []
        for channel in self.document["channels"].values():
            address = channel["address"]
            if address is not None and matches(_as_filter(address, channel), topic):
                found += channel["messages"]
        return list(dict.fromkeys(found))

    def faults(self, name: str, payload: object) -> list[str]:
        """Return what the schema of a message finds in a payload."""
        return [error.message for error in self._validator(name, "payload").iter_errors(payload)]

    def header_faults(self, name: str, properties: dict[str, str]) -> list[str]:
        """Return what the schema of a message's user properties finds in them."""
        if "headers" not in self.components["messages"][name]:
            return [f"{name} has no user properties"] if properties else []
        return [error.message for error in self._validator(name, "headers").iter_errors(properties)]

    def _validator(self, name: str, part: str) -> jsonschema.Draft202012Validator:
        """Return the validator of a part of a message, which is slow to make: it reads the whole document."""
        if (name, part) not in self._validators:
            schema = self._root | {"$ref": f"#/components/messages/{name}/{part}"}
            self._validators[name, part] = jsonschema.Draft202012Validator(schema)
        return self._validators[name, part]


def _as_filter(address: str, channel: dict[str, Any]) -> str:
    for parameter in channel.get("parameters", {}):
        address = address.replace(f"{{{parameter}}}", "+")
    return address


def _strict(part: Any) -> Any:
    """Return a copy in which objects have only the properties that are described."""
    if isinstance(part, list):
        return [_strict(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    copied = {key: _strict(inner) for key, inner in part.items()}
    if copied.get("type") == "object" and isinstance(copied.get("properties"), dict):
        copied.setdefault("additionalProperties", False)
    return copied
