"""CONTRIBUTING.md describes every package."""

import subprocess

import pytest

from tests.documents.examples import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
@pytest.mark.parametrize("folder", ["stream", "training", "tests"])
def test_every_package_is_described(folder: str) -> None:
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    packages = {"/".join(file.split("/")[:2]) for file in listed.splitlines() if file.count("/") > 1}
    assert len(packages) > 5
    assert sorted(package for package in packages if f"`{package}" not in PAGE) == []
