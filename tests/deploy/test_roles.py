"""Consistency of the roles' files."""

import pytest

from tests.deploy.roles import ANSIBLE, ROLES, read


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_of_a_role_is_documented_with_its_default(role: str) -> None:
    options = read(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]

    assert {name: option.get("default") for name, option in options.items()} == read(role, "defaults/main.yml")


@pytest.mark.parametrize("role", ROLES)
def test_every_description_of_a_variable_is_a_sentence(role: str) -> None:
    options = read(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]

    assert [name for name, option in options.items() if not option["description"].endswith(".")] == []


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_variables_begin_with_its_name(role: str) -> None:
    files = [f"{folder}/main.yml" for folder in ("defaults", "vars") if (ANSIBLE / "roles" / role / folder).is_dir()]
    variables = [name for file in files for name in read(role, file)]

    assert [name for name in variables if not name.startswith(f"{role}_")] == []


def test_every_entry_point_of_the_service_role_has_the_same_variables() -> None:
    specs = read("starling", "meta/argument_specs.yml")["argument_specs"]

    assert {entry: spec["options"] for entry, spec in specs.items()} == dict.fromkeys(specs, specs["main"]["options"])
