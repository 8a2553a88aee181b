import hashlib

import pytest

from stream.tweets.cleaning import words
from stream.tweets.words import emojis_in_words, hashtags_in_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so \U0001f600!", "so grinning face !"),
        ("love\u2764\ufe0fyou", "love heart you"),
        ("\U0001f602\U0001f602\U0001f602 \U0001f602", "face with tears of joy face with tears of joy"),
        ("\U0001f44d\U0001f3fd\U0001f44d\U0001f3fb", "thumbs up"),
        ("\U0001f60d", "smiling face with heart shaped eyes"),
        ("\U0001f3c3\u200d\u2640\ufe0f fast", "runner fast"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "man woman girl"),
        ("\U0001f1eb\U0001f1f7 wins", "flag fr wins"),
        ("skin \U0001f3fd tone", "skin tone"),
    ],
)
def test_an_emoji_becomes_its_name(text: str, expected: str) -> None:
    assert words(text) == expected


@pytest.mark.parametrize("sign", ["\xa9", "\u2122", "\u2192", "\u20ac", "\u2500", "\U0001f1eb"])
def test_symbols_that_are_not_emojis_stay(sign: str) -> None:
    assert words(f"a {sign} b") == f"a {sign} b"


def test_an_emoji_newer_than_unicode_14_stays_on_every_python() -> None:
    assert words("so \U0001fae8 now") == "so \U0001fae8 now"


def test_names_are_the_same_on_every_python() -> None:
    named = "".join(emojis_in_words(chr(code)) for code in range(0x2000, 0x20000) if not 0xD800 <= code < 0xE000)
    assert hashlib.sha256(named.encode()).hexdigest()[:16] == "e2412994de5afb25"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#GoodMorning", "Good Morning"),
        ("#so_happy", "so happy"),
        ("#Euro2016final", "Euro 2016 final"),
        ("#BREAKINGNews", "BREAKING News"),
        ("#monday,#rain", "monday , rain"),
        ("##twice", "twice"),
        ("#\u041c\u0438\u0440\u0422\u0435\u0441\u0435\u043d", "\u041c\u0438\u0440 \u0422\u0435\u0441\u0435\u043d"),
    ],
)
def test_a_hashtag_becomes_its_words(text: str, expected: str) -> None:
    assert " ".join(hashtags_in_words(text).split()) == expected


@pytest.mark.parametrize("text", ["#1", "number # one", "#", "C# is", "#_"])
def test_a_number_sign_without_a_hashtag_stays(text: str) -> None:
    assert words(text) == text
