"""The reader of files of tweets: formats, and what is refused."""

import csv
import gzip
import io
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import InputError
from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.reader import FileOptions, Record, read_records
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.source import Source
from stream.tweets.tables import Columns

TWEETS = [{"id": "1", "text": "a"}, {"id": "2", "text": "b \u00e9"}]
PAIRS = [("1", "a"), ("2", "b \u00e9")]
RETWEET = {"id": "3", "text": "RT @b: cut\u2026", "referenced_tweets": [{"type": "retweeted", "id": "9"}]}
PAGE = {
    "data": [*TWEETS, RETWEET],
    "includes": {"users": [], "tweets": [{"id": "9", "text": "the whole text"}, {"id": "8", "text": "another"}]},
    "meta": {"result_count": 3},
}
STATUSES = [{"id": "1", "content": "<p>a</p>"}, {"id": "2", "content": "b &eacute;"}]
ARCHIVE = [{"tweet": {"id_str": each["id"], "full_text": each["text"]}} for each in TWEETS]


def records_of(content: bytes, options: FileOptions | None = None) -> list[Record]:
    found = read_records(Source("file", io.BytesIO(content)), options)
    return [record for record in found if record is not None]


def outcomes_of(content: bytes, options: FileOptions | None = None) -> list[tuple[str | None, str]]:
    """The id and the text, or the id and the reason, of each tweet."""
    outcomes: list[tuple[str | None, str]] = []
    for record in records_of(content, options):
        try:
            if isinstance(record.content, RejectedTweetError):
                raise record.content
            tweet = decode_tweet(record.content, LimitSettings())
            outcomes.append((tweet.id, tweet.text))
        except RejectedTweetError as rejected:
            outcomes.append((rejected.tweet_id, str(rejected.reason)))
    return outcomes


def lines(values: list[Any]) -> bytes:
    return b"".join(orjson.dumps(value) + b"\n" for value in values)


def indented(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def table(delimiter: str, *rows: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode()


ROWS = (("id", "text"), *PAIRS)
FORMATS = {
    "JSON lines": lines(TWEETS),
    "JSON lines without a last line end": lines(TWEETS).rstrip(),
    "JSON lines wrapped": lines([{"data": tweet} for tweet in TWEETS]),
    "filtered stream": lines([{"data": tweet, "matching_rules": [{"id": "1"}]} for tweet in TWEETS]),
    "v1.1": lines([{"id_str": each["id"], "full_text": each["text"]} for each in TWEETS]),
    "a JSON array": orjson.dumps(TWEETS),
    "an indented JSON array": indented(TWEETS),
    "objects one after another": b"\n".join(map(indented, TWEETS)),
    "a page of the X API": orjson.dumps({"data": TWEETS}),
    "an indented page": indented({"data": TWEETS, "meta": {}}),
    "pages on lines": lines([{"data": [tweet]} for tweet in TWEETS]),
    "an array of pages": orjson.dumps([{"data": [tweet]} for tweet in TWEETS]),
    "a search page of v1.1": orjson.dumps({"statuses": TWEETS, "search_metadata": {}}),
    "Twitter's archive": b"window.YTD.tweets.part0 = " + indented(ARCHIVE),
    "Twitter's older archive": b"window.YTD.tweet.part12=" + orjson.dumps(ARCHIVE),
    "Mastodon statuses": orjson.dumps(STATUSES),
    "Mastodon search": orjson.dumps({"accounts": [], "statuses": STATUSES}),
    "Mastodon lines": lines(STATUSES),
    "CSV": table(",", *ROWS),
    "CSV with semicolons": table(";", *ROWS),
    "TSV": table("\t", *ROWS),
    "CSV with other columns": table(
        ",", ("created at", "Tweet_ID", "Text", ""), *(("x", *pair, "y") for pair in PAIRS)
    ),
}
VARIANTS = {
    "as it is": lambda content: content,
    "byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "Windows line ends": lambda content: content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
    "gzip": gzip.compress,
    "gzip with a byte order mark": lambda content: gzip.compress(b"\xef\xbb\xbf" + content),
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_each_format_gives_the_same_tweets(content: bytes, variant: Any) -> None:
    assert outcomes_of(variant(content)) == PAIRS


@pytest.mark.parametrize("blank", [b"\n", b"\r\n \n\n", b"\xef\xbb\xbf\n"])
@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_blank_first_lines_are_ignored(content: bytes, blank: bytes) -> None:
    assert [outcome for outcome in outcomes_of(blank + content) if outcome[1] not in {"empty", "not_json"}] == PAIRS


def test_retweets_of_a_page_have_the_whole_text_of_the_original() -> None:
    assert outcomes_of(orjson.dumps(PAGE)) == [*PAIRS, ("3", "the whole text")]
    (*_, retweet) = records_of(orjson.dumps(PAGE))
    assert b"another" not in retweet.content  # type: ignore[operator]


def test_a_page_without_tweets_has_none() -> None:
    assert outcomes_of(orjson.dumps({"data": [], "meta": {"result_count": 0}})) == []


def test_each_bad_line_concerns_itself_alone() -> None:
    content = b'{"id":"1","text":"a"}\nnot JSON\n\n{"id":"2"}\n[3]\n{"id":"4","text":"\xff"}\n{"id":"5","text":"b"}\n'
    assert outcomes_of(content) == [
        ("1", "a"),
        *((None, "not_json"), (None, "empty"), ("2", "no_text"), (None, "not_an_object"), (None, "not_utf8")),
        ("5", "b"),
    ]


@pytest.mark.parametrize("first", [b"2026-11-27 log: started", b'{"id":"0","text":"cut', b'{"id":"0" "text"}'])
def test_a_damaged_first_line_does_not_hide_the_others(first: bytes) -> None:
    assert outcomes_of(first + b"\n" + lines(TWEETS)) == [(None, "not_json"), *PAIRS]


def test_each_bad_element_concerns_itself_alone() -> None:
    assert outcomes_of(b'[{"id":"1","text":"a"}, 3, {"id":"2",}, null, {"id":"5","text":"b"}]') == [
        ("1", "a"),
        *((None, "not_an_object"), (None, "not_json"), (None, "not_an_object")),
        ("5", "b"),
    ]


def test_each_bad_row_concerns_itself_alone() -> None:
    content = b'id,text,lang\n1,a,en\n2,b\n3,c,en,x\n4,,en\n5,caf\xe9,fr\n\n6,"d\ne",fr\n'
    assert outcomes_of(content) == [
        ("1", "a"),
        *((None, "bad_row"), (None, "bad_row"), ("4", "no_text"), ("5", "not_utf8")),
        ("6", "d\ne"),
    ]


def test_rows_have_their_fields_and_the_number_of_their_line() -> None:
    (first, second) = records_of(b'id,text,label\n1,"a\nb",good\n2,c,bad\n')
    assert (first.number, first.row) == (3, {"id": "1", "text": "a\nb", "label": "good"})
    assert (second.number, second.row) == (4, {"id": "2", "text": "c", "label": "bad"})


def test_entity_and_language_of_a_row_become_fields_of_the_message() -> None:
    (record,) = records_of(b"text,entity,language,other\na,Acme,en,x\n")
    assert orjson.loads(record.content) == {"id": "2", "text": "a", "entity": "Acme", "lang": "en"}  # type: ignore[arg-type]


def test_a_quote_that_is_not_closed_is_an_error_with_its_line() -> None:
    with pytest.raises(InputError, match=r"^file, line 4 cannot be read .*: double the quotes"):
        records_of(b'id,text\n1,a\n2,"b\n3,c\n')


def test_named_columns_are_used() -> None:
    content = table(",", ("key", "text", "body"), ("1", "x", "a"), ("2", "y", "b \u00e9"))
    assert outcomes_of(content, FileOptions(columns=Columns("body", "key"))) == PAIRS


def test_named_keys_of_json_are_used() -> None:
    content = lines([{"key": number, "text": "x", "body": text} for number, text in PAIRS])
    assert outcomes_of(content, FileOptions(columns=Columns("body", "key"))) == PAIRS
    assert outcomes_of(content, FileOptions(columns=Columns("body"))) == PAIRS  # the number of the line


def test_a_named_column_that_is_missing_is_an_error() -> None:
    with pytest.raises(InputError, match=r"^file has no column 'nr' with the id, only id, text$"):
        records_of(FORMATS["CSV"], FileOptions(columns=Columns(id="nr")))


def test_plain_text_has_a_tweet_on_each_line() -> None:
    options = FileOptions("text", id_prefix="x-")
    assert outcomes_of(b"\xef\xbb\xbfa\r\n\r\n{}\r\n", options) == [("x-1", "a"), ("x-3", "{}")]


@pytest.mark.parametrize("content", [b"", b"\n\n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_has_no_tweets(content: bytes) -> None:
    assert [outcome for outcome in outcomes_of(content) if outcome[1] != "empty"] == []


UNKNOWN = {
    "plain text": (b"what a day\nand another\n", "--text"),
    "a CSV without texts": (b"name,age\nAda,36\n", "--text-column"),
    "an array of numbers": (b"[1, 2]", "JSON array"),
    "a JSON string": (b'"what a day"', "JSON lines"),
    "another part of the archive": (b"window.YTD.like.part0 = [ ]", "the part 'like' of Twitter's archive"),
    "HTML": (b"<!DOCTYPE html>", "JSON lines"),
    "UTF-16": ('{"id":"1","text":"a"}\n'.encode("utf-16"), "UTF-16"),
    "UTF-16 without a mark": ('{"id":"1","text":"a"}\n'.encode("utf-16-le"), "UTF-16"),
    "UTF-32": ('{"id":"1","text":"a"}\n'.encode("utf-32-be"), "UTF-32"),
    "a ZIP archive": (b"PK\x03\x04rest", "a ZIP archive"),
    "Zstandard": (b"\x28\xb5\x2f\xfdrest", "Zstandard"),
    "Parquet": (b"PAR1rest", "Parquet"),
    "a bzip2 file in gzip": (gzip.compress(b"BZh9rest"), "bzip2"),
}


@pytest.mark.parametrize(("content", "says"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_input_is_refused_with_what_was_expected(content: bytes, says: str) -> None:
    with pytest.raises(InputError) as caught:
        records_of(content)
    assert str(caught.value).startswith("file ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_line_that_is_too_long_is_rejected_and_the_others_are_read() -> None:
    content = lines([TWEETS[0]]) + b'{"id":"9","text":"' + b"a" * 17_000_000 + b'"}\n' + lines([TWEETS[1]])
    assert outcomes_of(content) == [PAIRS[0], (None, "too_large"), PAIRS[1]]


TEXT = st.text(min_size=1, max_size=30).filter(lambda text: bool(text.strip()) and "\0" not in text)


@given(texts=st.lists(TEXT, min_size=1), delimiter=st.sampled_from(",;\t"))
def test_a_written_table_is_read_back(texts: list[str], delimiter: str) -> None:
    rows = [(str(number), text) for number, text in enumerate(texts)]
    read_back = outcomes_of(table(delimiter, ("id", "text"), *rows))
    assert read_back == rows


@given(
    st.binary(max_size=300), st.sampled_from([b"", b"[", b"{", b"id,text\n", b'{"data":[', b'{"id":"1","text":"a"}\n'])
)
def test_any_bytes_are_read_or_refused(content: bytes, start: bytes) -> None:
    with suppress(InputError):
        assert all(text for _, text in outcomes_of(start + content))


def test_a_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "tweets.jsonl"
    path.write_bytes(lines(TWEETS))
    with path.open("rb", buffering=0) as file:
        source = Source("file", file)
        assert [record.number for record in read_records(source) if record] == [1, 2]
        source.close()
