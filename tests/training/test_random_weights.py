"""A checkpoint with a published shape and random weights."""

from pathlib import Path

import pytest

from training import random_weights
from training.about import read_about
from training.report.quantities import RANDOM_WEIGHTS

TINY = random_weights.MOBILEBERT | {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "embedding_size": 16,
    "intra_bottleneck_size": 16,
    "num_feedforward_networks": 2,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random_weights, "MOBILEBERT", TINY)
        made = tmp_path_factory.mktemp("random")
        random_weights.main(made)
    return made


def test_the_checkpoint_is_marked_as_random(folder: Path) -> None:
    assert read_about(folder / "checkpoint" / "about.toml").base == RANDOM_WEIGHTS


def test_the_texts_have_several_labels(folder: Path) -> None:
    lines = (folder / "tweets.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 100
    assert len({line.split('"polarity": ')[1] for line in lines}) > 1
