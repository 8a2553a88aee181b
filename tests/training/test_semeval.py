import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import InputError
from training.data.semeval import original_text, read_semeval
from training.data.tweets import LabelledTweet

pytestmark = pytest.mark.training


def write(path: Path, *lines: str) -> Path:
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    return path


def test_gzipped_file_is_read(tmp_path: Path) -> None:
    file = write(tmp_path / "a.tsv.gz", "1\tpositive\tLovely rain", "2\tneutral\tThe train is at noon")
    assert read_semeval(file).tweets == [
        LabelledTweet("1", "positive", "Lovely rain"),
        LabelledTweet("2", "neutral", "The train is at noon"),
    ]


def test_plain_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    file.write_text("1\tnegative\tLate again\r\n")
    assert read_semeval(file).tweets == [LabelledTweet("1", "negative", "Late again")]


@pytest.mark.parametrize("fourth", ["", "Wed Jul 29 12:01:22 +0000 2015"])
def test_fourth_column_is_ignored(tmp_path: Path, fourth: str) -> None:
    file = write(tmp_path / "a.gz", f"1\tneutral\tNoon\t{fourth}")
    assert read_semeval(file).tweets == [LabelledTweet("1", "neutral", "Noon")]


@pytest.mark.parametrize(
    ("written", "original"),
    [
        (r'"Why is \""""cake\"""" not free?"', 'Why is "cake" not free?'),
        (r'"Why is \""cake\"" not free?"', 'Why is "cake" not free?'),
        ('"Why is ""cake"" not free?"', 'Why is "cake" not free?'),
        ('"All of it is quoted"', "All of it is quoted"),
        ('"Only the beginning', '"Only the beginning'),
        ('one " in the middle', 'one " in the middle'),
        (r"rain\u002c wind \u0026 \u2019clouds\u2019", "rain, wind & \u2019clouds\u2019"),
        (r"so happy \ud83d\ude00", "so happy \U0001f600"),
        (r"\m/ rock \u00zz", r"\m/ rock \u00zz"),
        ('"', '"'),
        ('""', ""),
    ],
)
def test_artefacts_of_the_files_are_removed(written: str, original: str) -> None:
    assert original_text(written) == original


@given(st.text())
def test_any_escaped_text_is_restored(text: str) -> None:
    units = text.encode("utf-16-be")
    escaped = "".join(f"\\u{units[index : index + 2].hex()}" for index in range(0, len(units), 2))
    assert original_text(escaped) == text


@given(st.text())
def test_any_text_is_accepted(text: str) -> None:
    original_text(text)


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: f"1\tpositive\t{text}".encode("utf-8", "replace"))
)
def test_any_bytes_are_read_or_rejected_with_the_file_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("semeval") / "a.tsv"
    file.write_bytes(content)
    try:
        assert read_semeval(file).tweets
    except InputError as error:
        assert str(file) in str(error)  # noqa: PT017  (most bytes are no tweets)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1\thappy\tCake", "has the label 'happy'"),
        ("1\tpositive", "has 2 columns"),
        ("1\tpositive\tCake\tTea", "has 4 columns"),
        ("1\tpositive\tCake\tTea\tMilk", "has 5 columns"),
        ("", "has 1 columns"),
    ],
)
def test_error_names_file_and_line(tmp_path: Path, line: str, complaint: str) -> None:
    file = write(tmp_path / "a.gz", "1\tpositive\tCake", line)
    with pytest.raises(InputError) as error:
        read_semeval(file)
    assert f"{file}, line 2 {complaint}" in str(error.value)


def test_error_names_line_that_is_not_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    file.write_bytes(b"1\tpositive\tCake\n2\tpositive\tCaf\xe9\n")
    with pytest.raises(InputError, match="line 2 is not UTF-8"):
        read_semeval(file)


def test_error_names_the_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*nothing\.gz: No such file"):
        read_semeval(tmp_path / "nothing.gz")


def test_empty_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.gz is empty"):
        read_semeval(write(tmp_path / "a.gz"))


@pytest.mark.parametrize("damage", [lambda content: content[:-12], lambda content: content[:12] + b"\xff" * 20])
def test_damaged_gzip_file_is_an_error(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    file = write(tmp_path / "a.gz", *(f"{number}\tpositive\tCake {number * 7919}" for number in range(100)))
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(InputError, match=r"cannot read .*a\.gz"):
        read_semeval(file)
