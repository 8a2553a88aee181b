"""The entities of the settings in the roles' files: the settings file, and the broker's access rules."""

from pathlib import Path
from typing import Any

from stream.settings import load_settings
from tests.deploy.roles import needs_ansible, rendered_of

pytestmark = needs_ansible

ENTITIES: list[dict[str, Any]] = [
    {"name": "Norvane Air", "aliases": ["Norvane", "@norvane_help"], "topic": "reputation/norvane"},
    {"name": 'The "Üb\\er" Co', "match_name": False, "topic": None},
]


def test_entities_are_tables_of_the_settings_file(tmp_path: Path) -> None:
    given = {"log_level": "debug", "entities": ENTITIES}
    made = load_settings(rendered_of("starling", "starling.toml.j2", tmp_path, starling_settings=given))
    assert [entity.model_dump() for entity in made.entities] == [
        {**ENTITIES[0], "match_name": True},
        {**ENTITIES[1], "aliases": []},
    ]
    assert made.log_level == "debug"


def test_a_node_may_publish_to_the_topics_of_its_entities(tmp_path: Path) -> None:
    host = {
        "starling_broker_username": "pi-1",
        "starling_settings": {"entities": [*ENTITIES, {"name": "other", "topic": "reputation/norvane"}]},
    }
    inventory = {"starling": {"hosts": {"pi-1": host}}}
    rules = rendered_of("mosquitto", "access.j2", tmp_path, inventory, mosquitto_nodes=["pi-1"]).read_text()
    assert rules.splitlines().count("topic write reputation/norvane") == 1
    assert "None" not in rules
