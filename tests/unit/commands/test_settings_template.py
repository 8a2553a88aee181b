"""The file that `starling settings` prints."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from stream.commands.settings import settings_template
from stream.settings import EntitySettings, Settings, load_settings

KEY = re.compile(r"^# (?P<assignment>(?P<key>\w+) = (?P<value>.+))$", re.MULTILINE)


def sections() -> dict[str, type[BaseModel]]:
    return {
        name: field.annotation
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }


LISTS = {"entities": EntitySettings}


def test_the_template_is_toml_that_changes_nothing() -> None:
    assert tomllib.loads(settings_template()) == {name: {} for name in sections()}


def test_the_template_uncommented_is_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "starling.toml"
    path.write_text(
        KEY.sub(lambda key: key["assignment"] if key["value"] != '"…"' else key[0], settings_template()),
        encoding="utf-8",
    )
    assert tomllib.loads(path.read_text(encoding="utf-8"))["broker"]["host"] == "localhost"
    assert load_settings(path) == load_settings()


def test_the_template_has_every_setting() -> None:
    top = set(Settings.model_fields) - set(sections()) - set(LISTS)
    within = {key for section in sections().values() for key in section.model_fields}
    assert {key["key"] for key in KEY.finditer(settings_template())} == top | within


@pytest.mark.parametrize(("name", "element"), LISTS.items())
def test_the_template_shows_one_element_of_each_list(name: str, element: type[BaseModel]) -> None:
    shown = settings_template().partition(f"#   [[{name}]]\n")[2]
    (table,) = tomllib.loads(f"[[{name}]]\n" + shown.replace("#   ", ""))[name]
    assert table.keys() == element.model_fields.keys()
    assert f"# {Settings.model_fields[name].description} One such table for each:\n".split() == (
        settings_template().partition(f"#   [[{name}]]\n")[0].split("\n\n\n")[-1].replace("\n# ", " ").split()
    )


@pytest.mark.parametrize("model", [Settings, *sections().values(), *LISTS.values()])
def test_every_setting_is_described_in_a_sentence(model: type[BaseModel]) -> None:
    assert (model.__doc__ or "").endswith(".")
    for name, field in model.model_fields.items():
        if name not in sections() or model is not Settings:
            assert (field.description or "").endswith("."), name


def test_a_description_stands_above_its_setting() -> None:
    assert '# Name or address of the broker, without its port.\n# host = "localhost"\n' in settings_template()


def test_no_line_of_the_template_is_longer_than_a_hundred_characters() -> None:
    assert max(map(len, settings_template().splitlines())) <= 100
