"""Runs the targets on the corpus and on earlier findings, unchanged and slightly damaged."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import CORPUS, TARGETS

INPUTS = sorted(CORPUS.glob("*/*"))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_corpus_input_passes_its_target(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_a_corpus(name: str) -> None:
    assert [path for path in INPUTS if path.parent.name == name]


@given(st.sampled_from(INPUTS), st.data())
def test_every_damaged_input_passes_its_target(path: Path, data: st.DataObject) -> None:
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    TARGETS[path.parent.name](content[:start] + data.draw(st.binary(max_size=40)) + content[end:])
