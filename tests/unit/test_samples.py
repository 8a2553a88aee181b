"""The sample tweets are distinct, varied, and counted correctly in their README."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

SAMPLES = Path(__file__).parents[2] / "stream" / "samples"
README = (SAMPLES / "README.md").read_text(encoding="utf-8")
LINES = (SAMPLES / "tweets.jsonl").read_bytes().removesuffix(b"\n").split(b"\n")

IN_OTHER_LANGUAGES = [orjson.loads(line) for line in (SAMPLES / "languages.jsonl").read_bytes().splitlines()]

LONGEST_TEXT_CHARACTERS = 10_000

# The most specific key first.
KINDS = {
    "note_tweet": "X API v2, long text in `note_tweet`",
    "retweeted_status": "v1.1, retweet with `retweeted_status`",
    "extended_tweet": "v1.1, compatibility mode with `extended_tweet`",
    "full_text": "v1.1, `full_text`",
    "data": "X API v2, wrapped in `data`",
    "id_str": "v1.1, `text`",
}

TEXTS = (
    ("retweeted_status", "extended_tweet", "full_text"),
    ("retweeted_status", "full_text"),
    ("note_tweet", "text"),
    ("extended_tweet", "full_text"),
    ("full_text",),
    ("text",),
)

Json = dict[str, Any]


def _object(line: bytes) -> Json | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _tweet(found: Json) -> Json:
    return found["data"] if isinstance(found.get("data"), dict) else found


def _id(found: Json) -> object:
    tweet = _tweet(found)
    return tweet.get("id_str", tweet.get("id"))


def _at(tweet: Json, path: tuple[str, ...]) -> object:
    value: object = tweet
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(found: Json) -> object:
    texts = (_at(_tweet(found), path) for path in TEXTS)
    return next((text for text in texts if text is not None), None)


def _rejection(line: bytes) -> str | None:
    """Return the reason why a line is rejected; None for a tweet."""
    if not line:
        return "empty"
    try:
        found = orjson.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return "not_utf8"
    except orjson.JSONDecodeError:
        return "not_json"
    return _id_rejection(found) or _text_rejection(found) if isinstance(found, dict) else "not_an_object"


def _id_rejection(found: Json) -> str | None:
    if "delete" in found:
        return "deletion"
    tweet_id = _id(found)
    if tweet_id is None:
        return "no_id"
    return None if type(tweet_id) in {str, int} else "bad_id"


def _text_rejection(found: Json) -> str | None:
    text = _text(found)
    if text is None:
        return "no_text"
    if not isinstance(text, str):
        return "bad_text"
    if len(text) > LONGEST_TEXT_CHARACTERS:
        return "too_long"
    return None if text.strip() else "no_text"


def _kind(found: Json) -> str:
    for key, kind in KINDS.items():
        if key in found or key in _tweet(found):
            return kind
    return "`id` a number, no `id_str`" if isinstance(_id(found), int) else "X API v2, plain"


def _tweets() -> list[Json]:
    return [orjson.loads(line) for line in LINES if _rejection(line) is None]


def _repeated(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def _counts_in_readme() -> dict[str, int]:
    rows = re.findall(r"^\| (.+?) \| (\d+) \|", README, flags=re.MULTILINE)
    return {name: int(count) for name, count in rows}


def test_there_are_at_least_300_tweets() -> None:
    assert len(_tweets()) >= 300


def test_no_two_tweets_have_the_same_id() -> None:
    assert _repeated([str(_id(found)) for found in _tweets()]) == []


def test_no_two_lines_are_the_same() -> None:
    assert len(set(LINES)) == len(LINES)


def test_no_two_lines_have_the_same_text() -> None:
    texts = [_text(found) for line in LINES if (found := _object(line)) is not None]
    read_alike = [" ".join(text.casefold().split()) for text in texts if isinstance(text, str)]
    assert _repeated([text for text in read_alike if text]) == []


def test_the_readme_counts_each_kind_of_tweet_and_each_reason_for_a_rejection() -> None:
    kinds = Counter(_kind(found) for found in _tweets())
    reasons = Counter(f"`{reason}`" for line in LINES if (reason := _rejection(line)) is not None)
    assert _counts_in_readme() == {**kinds, **reasons}


def test_the_readme_counts_the_lines() -> None:
    lines, tweets = len(LINES), len(_tweets())
    assert f"{lines} lines: {tweets} tweets to be labelled and {lines - tweets} messages to be rejected" in README


def test_the_readme_counts_the_languages() -> None:
    languages = [_tweet(found).get("lang", "en") for found in _tweets()]
    # "iw" is the API's old code for Hebrew; "und" and "zxx" are not languages.
    foreign = [language.replace("iw", "he") for language in languages if language not in {"en", "und", "zxx"}]
    assert f"{len(foreign)} are in {len(set(foreign))} languages other than English" in README


def test_the_readme_counts_the_tweets_in_other_languages() -> None:
    languages = Counter(tweet["lang"] for tweet in IN_OTHER_LANGUAGES)
    assert languages == {"ar": 9, "fr": 9, "de": 9, "it": 9, "pt": 9, "es": 9, "hi": 5}
    assert f"has {len(IN_OTHER_LANGUAGES)} more invented tweets: nine each in" in README
    assert {tweet["intended"] for tweet in IN_OTHER_LANGUAGES} == {"negative", "neutral", "positive"}


def test_no_two_samples_have_the_same_id() -> None:
    ids = [str(_id(found)) for found in map(_object, LINES) if found is not None and _id(found) is not None]
    assert not {tweet["id"] for tweet in IN_OTHER_LANGUAGES} & set(ids)
    assert len({tweet["id"] for tweet in IN_OTHER_LANGUAGES}) == len(IN_OTHER_LANGUAGES)
