"""Replays what fuzzing starts from and what it has found, as it is and slightly damaged, so that it stays found."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import CORPUS, has_meter, targets

TARGETS = targets()
INPUTS = sorted(path for path in CORPUS.glob("*/*") if path.parent.name in TARGETS)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_input_of_the_corpus_holds_what_its_target_says(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_a_corpus(name: str) -> None:
    assert [path for path in INPUTS if path.parent.name == name]


@pytest.mark.skipif(not has_meter(), reason="this tree has no power meter")
def test_the_power_meters_frames_are_fuzzed() -> None:
    assert "frames" in TARGETS


@given(st.sampled_from(INPUTS), st.data())
def test_a_damaged_input_holds_what_its_target_says(path: Path, data: st.DataObject) -> None:
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    TARGETS[path.parent.name](content[:start] + data.draw(st.binary(max_size=40)) + content[end:])
