"""Reading of UMSAB's files."""

import gzip
from pathlib import Path

import pytest

from stream.errors import InputError
from training.datasets import ReadOptions, read_dataset

pytestmark = pytest.mark.training
UMSAB = ReadOptions("umsab")


def test_quotes_are_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "german.val.tsv.gz"
    rows = '1\tnegative\t"Kaputt\\u002c schon wieder\n2\tpositive\tSo ein "schöner" Tag "\n'
    path.write_bytes(gzip.compress(f"id\tpolarity\ttext\n{rows}".encode()))
    tweets = read_dataset([path], UMSAB).tweets
    assert [tweet.text for tweet in tweets] == ['"Kaputt\\u002c schon wieder', 'So ein "schöner" Tag "']
    assert [(tweet.id, tweet.polarity) for tweet in tweets] == [("1", "negative"), ("2", "positive")]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("1\tpositive\tgut\n", "begins with .* instead of the columns id, polarity and text"),
        ("id\tpolarity\ttext\n", "a header but no tweets"),
        ("id\tpolarity\ttext\n1\tpositive\n", "line 2 has 2 columns"),
        ("id\tpolarity\ttext\n1\tmixed\tna ja\n", "line 2.*mixed"),
    ],
)
def test_error_names_the_fault(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "german.val.tsv"
    path.write_text(content)
    with pytest.raises(InputError, match=complaint):
        read_dataset([path], UMSAB)
