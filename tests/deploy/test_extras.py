"""Lock files of the extras that the role installs on a node."""

from pathlib import Path

import pytest

from tests.deploy.roles import evaluated, needs_ansible

pytestmark = needs_ansible

PI = {"ansible_facts": {"architecture": "aarch64"}, "starling_inspected": {"python": "3.11"}}


@pytest.mark.parametrize(
    ("variables", "locks"),
    [
        ({}, ["aarch64-python3.11.txt"]),
        ({"starling_languages": True}, ["aarch64-python3.11.txt", "aarch64-python3.11-languages.txt"]),
    ],
)
def test_a_node_that_identifies_languages_installs_from_the_lock_file_of_the_extra_too(
    tmp_path: Path, variables: dict[str, bool], locks: list[str]
) -> None:
    versions = evaluated("starling", "starling_versions", tmp_path, **variables, **PI)
    assert [Path(file).name for file in versions] == locks
    assert all(Path(file).exists() for file in versions)


def test_without_hashes_the_extra_is_installed_from_the_constraints(tmp_path: Path) -> None:
    given = {"starling_languages": True, "starling_require_hashes": False}
    versions = evaluated("starling", "starling_versions", tmp_path, **given, **PI)
    assert [Path(file).name for file in versions] == ["constraints.txt"]
