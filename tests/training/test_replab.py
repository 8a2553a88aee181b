import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import InputError
from tests.training.replab_folder import ENTITY, Row, table, write_replab
from training.data.replab import is_replab, read_replab, rows
from training.data.tweets import LabelledTweet
from training.duplicates import distinct

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


def test_unknown_polarities_are_counted_and_left_out(tmp_path: Path) -> None:
    dataset = read_replab(
        write_replab(tmp_path, [*ROWS, ("5", "EN", "RELATED", "Odd label"), ("6", "ES", "RELATED", "?")])
    )
    assert [tweet.id for tweet in dataset.tweets] == ["1", "2"]
    assert dataset.left_out["with the polarity 'RELATED'"] == 2


def test_languages_are_counted(tmp_path: Path) -> None:
    assert read_replab(write_replab(tmp_path, ROWS)).languages == {"en": 3, "es": 1}


def test_entities_file_gives_names_and_domains(tmp_path: Path) -> None:
    write_replab(tmp_path / "training", ROWS)
    entities = table(("entity_id", "query", "category"), (ENTITY, '""Acme Cars""', "automotive"))
    (tmp_path / "replab2013_entities.tsv").write_text(entities.replace("\n", "\r\n"))
    tweet = read_replab(tmp_path).tweets[0]
    assert (tweet.entity, tweet.domain) == ("Acme Cars", "automotive")


def test_entities_with_equal_names_are_an_error(tmp_path: Path) -> None:
    write_replab(tmp_path, ROWS)
    rows = table(("entity_id", "query"), (ENTITY, "Acme"), ("RL2013D01E002", "Acme"))
    (tmp_path / "replab2013_entities.tsv").write_text(rows)
    with pytest.raises(InputError, match="two entities have the same query"):
        read_replab(tmp_path)


def test_timestamps_are_read(tmp_path: Path) -> None:
    folder = write_replab(tmp_path, ROWS[:2])
    info = table(("tweet_id", "language", "timestamp"), ("1", "EN", "1333486250"), ("2", "EN", "NA"))
    (folder / "tweet_info" / f"{ENTITY}.dat").write_text(info)
    assert [tweet.timestamp for tweet in read_replab(folder).tweets] == [1333486250, None]


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    folder = write_replab(tmp_path, ROWS)
    for file in folder.glob("*/*"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert len(read_replab(folder).tweets) == 2


def test_tabs_and_line_breaks_in_quoted_fields_are_read(tmp_path: Path) -> None:
    folder = write_replab(tmp_path, ROWS)
    labels = table(
        ("tweet_id", "topic", "polarity"), ("1", "new\tmodel", "POSITIVE"), ("2", "recall\nof cars", "NEGATIVE")
    )
    (folder / "labeled" / f"{ENTITY}.dat").write_text(labels)
    assert [tweet.polarity for tweet in read_replab(folder).tweets] == ["positive", "negative"]


def test_rows_with_unquoted_fields_among_quoted_ones_are_read(tmp_path: Path) -> None:
    folder = write_replab(tmp_path, ROWS)
    info = '"tweet_id"\t"language"\t"urls"\n"1"\t"EN"\tNA\n"2"\t"EN"\t"http://a.example"\n'
    (folder / "tweet_info" / f"{ENTITY}.dat").write_text(info)
    assert [tweet.id for tweet in read_replab(folder).tweets] == ["1", "2"]


def test_lines_in_different_encodings_are_read(tmp_path: Path) -> None:
    folder = write_replab(tmp_path, ROWS)
    lines = [b'"tweet_id"\t"text"', '"1"\t"Café"'.encode(), '"2"\t"Olé"'.encode("iso-8859-1")]
    (folder / "tweet_text" / f"{ENTITY}_texts.tsv").write_bytes(b"\n".join(lines))
    assert [tweet.text for tweet in read_replab(folder).tweets] == ["Café", "Olé"]


def test_same_tweet_may_belong_to_two_entities(tmp_path: Path) -> None:
    for name in ("RL2013D01E001", "RL2013D01E002"):
        folder = write_replab(tmp_path / name, ROWS[:1])
        for file in folder.glob("*/*"):
            target = tmp_path / "both" / file.parent.name / file.name.replace(ENTITY, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    tweets = read_replab(tmp_path / "both").tweets
    assert [tweet.entity for tweet in distinct(tweets)] == ["RL2013D01E001", "RL2013D01E002"]


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
    with pytest.raises(InputError, match=r"is not RepLab's folder: it contains neither tweet_info"):
        read_replab(tmp_path)
