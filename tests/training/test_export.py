import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream.experiment.labelled import read_labelled
from training.cli import app

SEMEVAL = "1\tpositive\tLovely cake\n2\tneutral\tA cat\n1\tpositive\tLovely cake\n"


@pytest.mark.parametrize("name", ["test.jsonl", "test.jsonl.gz"])
def test_exported_file_is_read_by_an_experiment(tmp_path: Path, name: str) -> None:
    data, out = tmp_path / "data.tsv", tmp_path / name
    data.write_text(SEMEVAL)
    result = CliRunner().invoke(app, ["tweets", "export", str(data), "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "2 tweets" in result.stdout
    read = read_labelled(out)
    assert [(each.tweet.id, each.tweet.text, each.polarity) for each in read] == [
        ("1", "Lovely cake", "positive"),
        ("2", "A cat", "neutral"),
    ]


def test_export_is_deterministic(tmp_path: Path) -> None:
    data = tmp_path / "data.tsv"
    data.write_text(SEMEVAL)
    outs = [tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"]
    for out in outs:
        CliRunner().invoke(app, ["tweets", "export", str(data), "--out", str(out)], catch_exceptions=False)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert gzip.decompress(outs[0].read_bytes()).count(b"\n") == 2
