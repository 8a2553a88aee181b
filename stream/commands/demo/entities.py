"""The two invented companies whose reputation the demo shows."""

from typing import Final

from stream.settings import EntitySettings

ENTITIES: Final = (
    EntitySettings(name="Norvane Air", aliases=["Norvane", "@norvane_help"]),
    EntitySettings(name="Westmarch Rail", aliases=["Westmarch"]),
)
ENTITY_NAMES: Final = tuple(entity.name for entity in ENTITIES)
