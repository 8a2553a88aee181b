from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream.model.bundle import load_bundle
from training.cli import app

pytestmark = pytest.mark.training


def test_convert_writes_a_bundle_and_prints_the_comparison(
    checkpoint_folder: Path, tweets_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    arguments = ["convert", str(checkpoint_folder), "--data", str(tweets_file), "--out", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--precision", "float32"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "macro-recall" in result.stdout
    assert "converting to float32" in result.stderr
    assert load_bundle(out).manifest.precision == "float32"


def test_unknown_precision_is_rejected(checkpoint_folder: Path, tweets_file: Path, tmp_path: Path) -> None:
    arguments = ["convert", str(checkpoint_folder), "--data", str(tweets_file), "--out", str(tmp_path / "bundle")]
    result = CliRunner().invoke(app, [*arguments, "--precision", "int4"])
    assert result.exit_code == 2
    assert "int4" in result.stderr
