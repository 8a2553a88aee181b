import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import InputError
from tests.training.replab_folder import ENTITY, Row, table, write_replab
from training.data.replab import is_replab, read_replab, rows
from training.data.tweets import LabelledTweet

ROWS: list[Row] = [
    ("1", "EN", "POSITIVE", "Tweet 1"),
    ("2", "EN", "NEGATIVE", "Tweet 2"),
    ("3", "ES", "NEUTRAL", "Tweet 3"),
    ("4", "EN", "", "Not about the entity"),
]


@pytest.mark.parametrize("text_name", [f"{ENTITY}_texts.tsv", f"{ENTITY}_texts.dat", f"{ENTITY}.dat"])
def test_labels_texts_and_languages_are_joined_by_id(tmp_path: Path, text_name: str) -> None:
    dataset = read_replab(write_replab(tmp_path, ROWS, text_name=text_name))
    assert dataset.tweets == [
        LabelledTweet("1", "positive", "Tweet 1", ENTITY),
        LabelledTweet("2", "negative", "Tweet 2", ENTITY),
    ]
    assert dataset.left_out == {"not in English": 1, "without a polarity": 1}


def test_training_and_test_are_read_from_the_parent_folder(tmp_path: Path) -> None:
    write_replab(tmp_path / "training", ROWS)
    write_replab(tmp_path / "test", ROWS)
    assert is_replab(tmp_path)
    assert len(read_replab(tmp_path).tweets) == 4


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_both_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    rows: list[Row] = [("1", "EN", "POSITIVE", "Café Müller"), ("2", "EN", "NEGATIVE", "¡Olé!")]
    dataset = read_replab(write_replab(tmp_path, rows, encoding=encoding))
    assert [tweet.text for tweet in dataset.tweets] == ["Café Müller", "¡Olé!"]


@pytest.mark.parametrize("text", [None, " "])
def test_ids_without_text_are_listed(tmp_path: Path, text: str | None) -> None:
    dataset = read_replab(write_replab(tmp_path, [("5", "EN", "POSITIVE", text), *ROWS]))
    assert dataset.ids_without_text == ["5"]


def test_text_may_have_several_lines(tmp_path: Path) -> None:
    dataset = read_replab(write_replab(tmp_path, [("5", "EN", "POSITIVE", "One\ntwo\r\n\nthree"), *ROWS]))
    assert [tweet.text for tweet in dataset.tweets] == ["One two  three", "Tweet 1", "Tweet 2"]


def test_unquoted_fields_are_read(tmp_path: Path) -> None:
    write_replab(tmp_path, ROWS)
    (tmp_path / "tweet_text" / f"{ENTITY}_texts.tsv").write_text('id\ttext\n1\tSaid "hello"\n2\tWent\n')
    assert [tweet.text for tweet in read_replab(tmp_path).tweets] == ['Said "hello"', "Went"]


def test_folder_without_texts_lists_all_ids(tmp_path: Path) -> None:
    shutil.rmtree(write_replab(tmp_path, ROWS) / "tweet_text")
    assert read_replab(tmp_path).ids_without_text == ["1", "2"]


@given(text=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(lambda text: text.strip()))
def test_quotes_in_a_text_are_kept(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = write_replab(tmp_path_factory.mktemp("replab"), [("1", "EN", "POSITIVE", text.replace('"', '""'))])
    assert read_replab(folder).tweets[0].text == text


@pytest.mark.parametrize(
    ("part", "content", "complaint"),
    [
        (
            "tweet_info",
            table(("tweet_id", "author"), ("1", "a")),
            r"tweet_info/.*has no column language, only tweet_id, author",
        ),
        ("labeled", table(("tweet_id", "polarity"), ("1", "GOOD")), r"tweet 1 has the label 'GOOD'"),
        ("labeled", table(("tweet_id", "polarity"), ("1",)), r"line 2 has 1 fields, its header 2"),
        ("tweet_text", table(("number", "words"), ("1", "a")), r"has no column tweet_id and text"),
        ("tweet_info", "", "is empty"),
    ],
)
def test_error_names_the_wrong_file(tmp_path: Path, part: str, content: str, complaint: str) -> None:
    file = next((write_replab(tmp_path, ROWS) / part).iterdir())
    file.write_text(content)
    with pytest.raises(InputError, match=complaint):
        read_replab(tmp_path)


@given(
    content=st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: f'"tweet_id"\t"text"\n{text}'.encode("utf-8", "replace"))
)
def test_any_bytes_are_read_or_rejected_with_the_file_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("replab") / f"{ENTITY}_texts.tsv"
    file.write_bytes(content)
    try:
        assert all(row.keys() >= {"tweet_id", "text"} for row in rows(file, "tweet_id", "text"))
    except InputError as error:
        assert str(file) in str(error)  # noqa: PT017  (most bytes are no table)


def test_error_names_a_folder_that_is_not_replab(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not RepLab's folder: it has no tweet_info"):
        read_replab(tmp_path)
