import gzip
import json
from pathlib import Path

import pytest

from stream.errors import InputError
from training.data.tables import Columns
from training.data.tweets import LabelledTweet
from training.datasets import ReadOptions, read_dataset

CAKE = LabelledTweet("1", "positive", "Cake")
TWEETS = {
    "a.tsv": "1\tpositive\tCake\n",
    "b.tsv": "id\tlabel\ttext\n1\tpositive\tCake\n",
    "c.csv": "text,label,id\nCake,Positive,1\n",
    "d.jsonl": json.dumps({"id": 1, "label": "positive", "text": "Cake"}) + "\n",
    "e.txt": "1\tpositive\tCake\t\n",
}


@pytest.mark.parametrize("name", TWEETS)
@pytest.mark.parametrize("compressed", [False, True])
def test_format_is_recognised(tmp_path: Path, name: str, *, compressed: bool) -> None:
    content = TWEETS[name].encode()
    file = tmp_path / (f"{name}.gz" if compressed else name)
    file.write_bytes(gzip.compress(content) if compressed else content)
    assert read_dataset([file]).tweets == [CAKE]


def test_files_of_a_folder_are_read_in_alphabetical_order(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text("2\tneutral\tTea\n")
    (tmp_path / "a.tsv").write_text("1\tpositive\tCake\n")
    (tmp_path / "README.md").write_text("Not data.")
    dataset = read_dataset([tmp_path])
    assert [tweet.id for tweet in dataset.tweets] == ["1", "2"]
    assert [file.name for file in dataset.files] == ["a.tsv", "b.tsv"]


def test_given_format_is_used(tmp_path: Path) -> None:
    file = tmp_path / "tweets.data"
    file.write_text(TWEETS["c.csv"])
    assert read_dataset([file], ReadOptions(format="csv")).tweets == [CAKE]
    with pytest.raises(InputError, match=r"the format of .*tweets\.data is not recognised: give it with --format"):
        read_dataset([file])


def test_folder_without_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="contains no data"):
        read_dataset([tmp_path])


def test_missing_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*gone\.csv: No such file"):
        read_dataset([tmp_path / "gone.csv"], ReadOptions(columns=Columns()))
