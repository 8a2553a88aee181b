"""What the roles promise of themselves, without a machine to run them on."""

import pytest

from tests.deploy.roles import ROLES, read


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_of_a_role_is_described_with_the_default_that_it_has(role: str) -> None:
    options = read(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]

    assert {name: option.get("default") for name, option in options.items()} == read(role, "defaults/main.yml")


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_of_a_role_says_what_it_means_in_a_sentence(role: str) -> None:
    options = read(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]

    assert [name for name, option in options.items() if not option["description"].endswith(".")] == []


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_variables_begin_with_its_name(role: str) -> None:
    variables = [*read(role, "defaults/main.yml"), *read(role, "vars/main.yml")]

    assert [name for name in variables if not name.startswith(f"{role}_")] == []


def test_every_entry_of_the_service_role_takes_the_same_variables() -> None:
    specs = read("starling", "meta/argument_specs.yml")["argument_specs"]

    assert {entry: spec["options"] for entry, spec in specs.items()} == dict.fromkeys(specs, specs["main"]["options"])
