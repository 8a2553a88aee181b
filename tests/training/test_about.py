from pathlib import Path

import pytest

from training.about import read_about
from training.errors import CheckpointError

pytestmark = pytest.mark.training


def test_a_complete_file_is_read(checkpoint_folder: Path) -> None:
    about = read_about(checkpoint_folder / "about.toml")
    assert (about.name, about.max_tokens, about.cleaning.name) == ("tiny", 24, "placeholders")
    assert about.training == {"epochs": 0}


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot read .*about\.toml .*write there.*cleaning"):
        read_about(tmp_path / "about.toml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('name = "tiny"', "base: Field required"),
        ("name = tiny", "is not TOML"),
        ("max_tokens = 1000", "max_tokens: "),
        ("colour = 1", "colour: Extra inputs"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, checkpoint_folder: Path, text: str, complaint: str) -> None:
    complete = (checkpoint_folder / "about.toml").read_text()
    replaced = text.partition(" ")[0]
    kept = [] if "Field required" in complaint else [line for line in complete.splitlines() if replaced not in line]
    (tmp_path / "about.toml").write_text("\n".join([text, *kept]))
    with pytest.raises(CheckpointError, match=complaint):
        read_about(tmp_path / "about.toml")
