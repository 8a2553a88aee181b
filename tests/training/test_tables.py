import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import InputError
from stream.tweets.polarity import POLARITIES
from training.data.formats import Table
from training.data.tables import Columns, read_table
from training.data.tweets import LabelledTweet

# A text file cannot contain half of a surrogate pair, and the csv module of Python 3.11 does not accept NUL.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ROWS = st.lists(st.tuples(TEXTS, st.sampled_from(POLARITIES)), min_size=1, max_size=8)


def write(folder: Path, text: str) -> Path:
    file = folder / "tweets"
    file.write_text(text, encoding="utf-8", newline="")
    return file


def test_own_names_of_columns_and_labels_are_used(tmp_path: Path) -> None:
    file = write(tmp_path, "key,body,mood,brand\n7,Cake,glad,bakery\n")
    columns = Columns("body", "mood", "key", "brand", {"Glad": "positive"})
    assert read_table(file, "csv", columns).tweets == [LabelledTweet("7", "positive", "Cake", "bakery")]


def test_tweet_without_id_gets_file_and_line_as_id(tmp_path: Path) -> None:
    file = write(tmp_path, "text,label\nCake,positive\n")
    assert [tweet.id for tweet in read_table(file, "csv", Columns()).tweets] == ["tweets:2"]


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    file = write(tmp_path, "\ufefftext,label\nCake,positive\n")
    assert read_table(file, "csv", Columns()).tweets[0].text == "Cake"


@given(rows=ROWS, delimiter=st.sampled_from([("csv", ","), ("tsv", "\t")]))
def test_output_of_the_csv_module_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: tuple[Table, str]
) -> None:
    kind, character = delimiter
    table = io.StringIO(newline="")
    csv.writer(table, delimiter=character, quoting=csv.QUOTE_ALL).writerows([("text", "label"), *rows])
    file = write(tmp_path_factory.mktemp("table"), table.getvalue())
    assert [(tweet.text, tweet.polarity) for tweet in read_table(file, kind, Columns()).tweets] == rows


@given(rows=ROWS)
def test_output_of_the_json_module_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    lines = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)
    file = write(tmp_path_factory.mktemp("table"), lines)
    assert [(tweet.text, tweet.polarity) for tweet in read_table(file, "jsonl", Columns()).tweets] == rows


@given(
    content=st.binary(max_size=80)
    | st.text(max_size=80).map(lambda text: ("text,label\n" + text).encode("utf-8", "replace"))
)
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_any_bytes_are_read_or_rejected_with_the_file_name(
    tmp_path_factory: pytest.TempPathFactory, kind: Table, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("table") / "tweets"
    file.write_bytes(content)
    try:
        assert read_table(file, kind, Columns()).tweets
    except InputError as error:
        assert str(file) in str(error)  # noqa: PT017  (most bytes are no table)


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        (
            "csv",
            "text,mood\nCake,good\n",
            "line 2 has no column label or polarity or sentiment, only text, mood: .*--label-column",
        ),
        (
            "csv",
            "text,label\nCake,glad\n",
            "line 2 has the label 'glad' instead of negative, .* --label 'glad=positive'",
        ),
        ("csv", "text,label\nCake,positive,1\n", "line 2 has 3 columns, its header 2"),
        ("csv", 'text,label\n"Cake "with" cream",positive\n', "line 2 cannot be read .*double the quotes"),
        ("tsv", 'text\tlabel\n"Cake\tpositive\nTea\tneutral\n', "line 3 cannot be read .*unexpected end of data"),
        ("csv", "text,label\n", "has a header but no tweets"),
        ("jsonl", '{"text": "Cake"\n', "line 1 is not JSON"),
        ("jsonl", '["Cake"]\n', "line 1 is not a JSON object"),
        ("jsonl", '{"text": 3, "label": "positive"}\n', "line 1: text is 3 instead of text"),
        ("jsonl", '{"text": "Cake", "label": null}\n', "line 1: label is None instead of text or a number"),
    ],
)
def test_error_names_the_fault_and_the_line(tmp_path: Path, kind: Table, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_table(write(tmp_path, text), kind, Columns())


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "7", "text": "Cake", "label": "positive"}\n',
        '[{"id": "7", "text": "Cake", "label": "positive"}]',
        '[\n  {\n    "id": "7",\n    "text": "Cake",\n    "label": "positive"\n  }\n]\n',
        '{"data": {"id": "7", "text": "Cake"}, "label": "positive"}\n',
        '{"data": {"id": "7", "text": "Cake", "label": "positive"}}\n',
        '{"id_str": "7", "text": "Ca\u2026", "retweeted_status": {"full_text": "Cake"}, "label": "positive"}\n',
        'window.YTD.tweets.part0 = [{"tweet": {"id_str": "7", "full_text": "Cake"}, "label": "positive"}]',
        '{"id": "7", "content": "<p>Cake</p>", "label": "positive"}\n',
        '\n\n{"id": 7, "text": "Cake", "label": "positive"}\r\n',
    ],
    ids=["lines", "array", "indented", "wrapped", "label in the wrapper", "v1.1", "archive", "Mastodon", "blank lines"],
)
def test_json_of_each_shape_is_read(tmp_path: Path, text: str) -> None:
    assert read_table(write(tmp_path, text), "jsonl", Columns()).tweets == [LabelledTweet("7", "positive", "Cake")]


def test_deletion_notice_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1: the message says that a tweet was deleted"):
        read_table(write(tmp_path, '{"delete": {"status": {"id_str": "7"}}}\n'), "jsonl", Columns())
