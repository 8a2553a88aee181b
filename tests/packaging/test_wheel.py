"""The wheel: its metadata, its files, and the program that it installs."""

import hashlib
import os
import re
import subprocess
import tomllib
import zipfile
from collections import Counter
from pathlib import Path

import orjson
import pytest

from stream import __version__

CHECKOUT = Path(__file__).parents[2]
URLS: dict[str, str] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]
LARGE_FILE_BYTES = 10_000


def _run(program: Path, folder: Path, *arguments: str, given: str = "") -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "STARLING"))}
    done = subprocess.run(
        [program, *arguments], cwd=folder, input=given, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def package_page(wheel: Path) -> str:
    """The text that a package index shows."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name).decode("utf-8").partition("\n\n")[2]


def test_no_large_file_is_in_the_wheel_twice(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        large = [entry for entry in archive.infolist() if entry.file_size > LARGE_FILE_BYTES]
        copies = Counter(hashlib.sha256(archive.read(entry)).hexdigest() for entry in large)
    assert copies
    assert set(copies.values()) == {1}


def test_every_link_of_the_package_page_is_absolute(package_page: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", package_page)
    assert len(links) > 10
    assert [link for link in links if not link.startswith(("https://", "#"))] == []


def test_links_to_files_lead_to_the_repository_that_the_metadata_names(package_page: str) -> None:
    named = set(re.findall(r"\]\(https://[^)]*/main/([^)#]+)[^)]*\)", package_page))
    assert named
    assert [name for name in named if not (CHECKOUT / name).exists()] == []
    assert f"]({URLS['Source']}/blob/main/" in package_page


def test_the_installed_program_states_its_version(installed: Path, tmp_path: Path) -> None:
    assert _run(installed / "starling", tmp_path, "--version") == f"starling {__version__}\n"


@pytest.mark.parametrize("model", ["default", "fast", "first", "reputation"])
def test_the_installed_program_labels_a_tweet_with_each_shipped_model(
    installed: Path, tmp_path: Path, model: str
) -> None:
    tweet = '{"id": "1", "text": "what a lovely morning, I am so happy"}'
    printed = _run(installed / "starling", tmp_path, "classify", "--model", model, given=tweet)
    assert orjson.loads(printed)["polarity"] == "positive"


def test_the_installed_programs_demo_labels_its_samples(installed: Path, tmp_path: Path) -> None:
    summary = orjson.loads(_run(installed / "starling", tmp_path, "demo", "--tweets", "40", "--rate", "0", "--json"))
    assert summary["published"] == 40
    assert summary["lost"] == 0
