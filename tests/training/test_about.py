from pathlib import Path

import pytest

from training.about import read_about
from training.errors import CheckpointError

pytestmark = pytest.mark.training


def test_complete_file_is_read(checkpoint_folder: Path) -> None:
    about = read_about(checkpoint_folder / "about.toml")
    assert (about.name, about.max_tokens, about.cleaning.name) == ("tiny", 24, "placeholders")
    assert about.training == {"epochs": 0}


def test_missing_file_error_names_the_required_keys(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot read .*about\.toml .*create it as TOML.*cleaning"):
        read_about(tmp_path / "about.toml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('name = "tiny"', "base: Field required"),
        ("name = tiny", "is not valid TOML"),
        ("max_tokens = 1000", "max_tokens: "),
        ("colour = 1", "colour: Extra inputs"),
    ],
)
def test_error_names_the_wrong_key(tmp_path: Path, checkpoint_folder: Path, text: str, complaint: str) -> None:
    complete = (checkpoint_folder / "about.toml").read_text()
    replaced = text.partition(" ")[0]
    kept = [] if "Field required" in complaint else [line for line in complete.splitlines() if replaced not in line]
    (tmp_path / "about.toml").write_text("\n".join([text, *kept]))
    with pytest.raises(CheckpointError, match=complaint):
        read_about(tmp_path / "about.toml")
