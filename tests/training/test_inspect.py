import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stream.errors import InputError
from tests.training.replab_folder import write_replab
from training.cli import app

DATA = """id,text,label
1,Cake for all,positive
2,Tea,neutral
2,Tea,negative
3,CAKE for  all,neutral
4,Rain again,negative
"""
DEV = """id,text,label
9,rain AGAIN,negative
10,Sun,positive
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "dev.csv").write_text(DEV)
    file = tmp_path / "data.csv"
    file.write_text(DATA)
    return file


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["tweets", "inspect", *(str(each) for each in arguments)], catch_exceptions=False)


def found(*arguments: str | Path) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


def test_rows_classes_duplicates_and_conflicts_are_counted(data: Path) -> None:
    counts = found(data)["data"]
    assert counts["rows"] == 5
    assert counts["classes"] == {"negative": 2, "neutral": 2, "positive": 1}
    assert (counts["repeated_ids"], counts["repeated_ids_or_texts"]) == (1, 2)
    assert (counts["conflicting_ids"], counts["conflicting_ids_or_texts"]) == (1, 2)
    assert counts["kept"] == 3


def test_overlap_with_held_out_tweets_is_counted(data: Path) -> None:
    counts = found(data, "--dev", data.parent / "dev.csv")
    assert counts["leaks"] == 1
    assert counts["held out"]["rows"] == 2


def test_texts_are_shown_only_on_request(data: Path) -> None:
    dev = data.parent / "dev.csv"
    assert "Tea" not in run(data, "--dev", dev).stdout
    lines = run(data, "--dev", dev, "--text").stdout.splitlines()
    assert lines[lines.index("conflicts:") + 1 :] == [
        "1\tpositive\tCake for all",
        "3\tneutral\tCAKE for all",
        "2\tneutral\tTea",
        "2\tnegative\tTea",
        "leaks:",
        "4\tnegative\tRain again",
    ]


def test_ids_without_text_are_listed(tmp_path: Path) -> None:
    write_replab(tmp_path, [("1", "EN", "POSITIVE", None), ("2", "EN", "POSITIVE", "Here")])
    assert found(tmp_path)["data"]["ids_without_text"] == ["1"]
    assert re.search(r"labelled, but without text +│ 1 ", run(tmp_path).stdout)


def test_near_duplicates_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text(
        "id,text,label\n1,one two three four five six seven eight nine ten,neutral\n"
        "2,RT @you: one two three four five six seven eight nine eleven http://a.example,neutral\n"
        "3,another text,neutral\n"
    )
    assert found(file)["data"]["near_duplicates"] == 1


def test_classes_are_counted_by_entity(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("id,text,label,entity\n1,Nice car,positive,Acme\n2,Bad car,negative,Acme\n3,A car,neutral,Zeta\n")
    assert found(file)["data"]["classes_by_entity"] == {
        "Acme": {"negative": 1, "neutral": 0, "positive": 1},
        "Zeta": {"negative": 0, "neutral": 1, "positive": 0},
    }
    assert re.search(r"Acme +│ +2 │", run(file).stdout)


def test_stated_languages_are_shown(tmp_path: Path) -> None:
    write_replab(tmp_path, [("1", "EN", "POSITIVE", "Here"), ("2", "ES", "POSITIVE", "Hola")])
    assert found(tmp_path)["data"]["languages"] == {"en": 1, "es": 1}
    assert re.search(r"stated language: es +│ 1 ", run(tmp_path).stdout)


def test_overlap_with_other_data_sets_is_counted(data: Path) -> None:
    dev = data.parent / "dev.csv"
    assert found(data, "--compare", dev, "--compare", data)["overlaps"] == {
        str(dev): {"rows": 2, "shared": 1, "near_duplicates": 0},
        str(data): {"rows": 5, "shared": 3, "near_duplicates": 0},
    }
    assert "compared with" in run(data, "--compare", dev).stdout


def test_error_for_data_without_usable_tweets_has_the_reasons(tmp_path: Path) -> None:
    write_replab(tmp_path, [("1", "ES", "POSITIVE", "Hola")])
    with pytest.raises(InputError, match=r"contains no labelled tweet with text \(0 without text, 1 not in English\)"):
        run(tmp_path)
