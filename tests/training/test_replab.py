from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import InputError
from training.data.replab import is_replab, read_replab
from training.data.tweets import LabelledTweet

ENTITY = "RL2013D01E001"


def table(*rows: tuple[str, ...]) -> str:
    return "".join("\t".join(f'"{field}"' for field in row) + "\n" for row in rows)


def write(folder: Path, *, texts: str | None = "", encoding: str = "utf-8", text_name: str = "_texts.tsv") -> Path:
    """A split of RepLab with one entity: 1 and 2 are English, 3 is Spanish, 4 is not about the entity."""
    info = table(
        ("tweet_id", "author", "language"),
        *((str(number), "a", "ES" if number == 3 else "EN") for number in range(1, 5)),
    )
    polarities = {"1": "POSITIVE", "2": "NEGATIVE", "3": "NEUTRAL", "4": ""}
    labels = table(("tweet_id", "filtering", "polarity"), *((key, "RELATED", name) for key, name in polarities.items()))
    written = table(("tweet_id", "text"), *((key, f"Tweet {key}") for key in polarities)) if texts == "" else texts
    for name, content in (("tweet_info", info), ("labeled", labels)):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{ENTITY}.dat").write_text(content, encoding=encoding)
    if written is not None:
        (folder / "tweet_text").mkdir()
        (folder / "tweet_text" / f"{ENTITY}{text_name}").write_text(written, encoding=encoding)
    return folder


@pytest.mark.parametrize("text_name", ["_texts.tsv", "_texts.dat", ".dat"])
def test_labels_texts_and_languages_are_joined_by_id(tmp_path: Path, text_name: str) -> None:
    dataset = read_replab(write(tmp_path, text_name=text_name))
    assert dataset.tweets == [
        LabelledTweet("1", "positive", "Tweet 1", ENTITY),
        LabelledTweet("2", "negative", "Tweet 2", ENTITY),
    ]
    assert dataset.left_out == {"not in English": 1, "without a polarity": 1}


def test_training_and_test_are_read_from_the_folder_above_them(tmp_path: Path) -> None:
    write(tmp_path / "training")
    write(tmp_path / "test")
    assert is_replab(tmp_path)
    assert len(read_replab(tmp_path).tweets) == 4


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1"])
def test_either_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    texts = table(("tweet_id", "text"), ("1", "Café Müller"), ("2", "¡Olé!"))
    dataset = read_replab(write(tmp_path, texts=texts, encoding=encoding))
    assert [tweet.text for tweet in dataset.tweets] == ["Café Müller", "¡Olé!"]


@pytest.mark.parametrize(
    ("texts", "missing"), [(None, ["1", "2"]), (table(("tweet_id", "text"), ("2", "Here")), ["1"])]
)
def test_ids_without_a_text_are_listed(tmp_path: Path, texts: str | None, missing: list[str]) -> None:
    assert read_replab(write(tmp_path, texts=texts)).ids_without_text == missing


@given(text=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(lambda text: text.strip()))
def test_quotes_within_a_text_part_nothing(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = write(tmp_path_factory.mktemp("replab"), texts=table(("tweet_id", "text"), ("1", text.replace('"', '""'))))
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
        ("tweet_text", table(("id", "words"), ("1", "a")), r"has no column tweet_id and text"),
        ("tweet_info", "", "is empty"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, part: str, content: str, complaint: str) -> None:
    file = next((write(tmp_path) / part).iterdir())
    file.write_text(content)
    with pytest.raises(InputError, match=complaint):
        read_replab(tmp_path)


def test_a_folder_that_is_none_of_replabs_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not RepLab's folder: it has no tweet_info"):
        read_replab(tmp_path)
