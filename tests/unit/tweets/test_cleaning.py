import re
import unicodedata

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from stream.errors import BundleError
from stream.tweets.cleaning import _CLEANERS, Cleaner, cleaner, paper, placeholders, words

EVERY_CLEANING = pytest.mark.parametrize(
    "clean", _CLEANERS.values(), ids=[f"{name}-{version}" for name, version in _CLEANERS]
)

PIECES = st.sampled_from(
    [
        *("https://t.co/a", "HTTP://b.c", "http://", "https:/", "://", "@user", "@", "@@", "http", "#tag", "word", "'"),
        *(" ", "\n", "\t", "\x00", "\x1c", "\x85", "\xa0", "\u2028", "\u200b", "\ufeff", "\ud83d", "\udc00"),
        *(
            "e\u0301",
            "\u0301",
            "\u0327",
            "\u1100\u1161",
            "\ufb01",
            "\U0001f600",
            "\u200d",
            "\ufe0f",
            "\u20e3",
            "\u2139",
            "\U0001f3fd",
            "\u2640",
            "\U0001f1eb",
            "aB2",
        ),
        *("\u0301" * 29, "\u0344" * 20, "\u0345\u0327" * 40),
        *(
            "&amp;",
            "&",
            "lt;",
            "&#38;",
            ";",
            "s://",
            ".",
            ",",
            "bsky.social",
            ".com",
            "h4te",
            "$uck5",
            "f**k",
            "W W W",
            "ooo",
        ),
        *(
            "\u0430",
            "\u03c9\u0430",
            "\u1583",
            "\u1d00",
            "\U0001d4d0",
            "\u2474",
            "\xbd",
            "\u3164",
            "/s",
            "#not",
            "pic.x.com/a",
        ),
        *("\u0600", "\u0915\u094d", "\u09be", "\u06dd", "\U0001d15e", "\U000e0100", "\U000f0000", "\u0378"),
    ]
)
ANY_CHARACTER = st.characters(exclude_categories=[])
ANY_TEXT = st.text(ANY_CHARACTER) | st.lists(PIECES | ANY_CHARACTER, max_size=20).map("".join)

EMOJIS = {
    "face": "\U0001f600",
    "heart": "\u2764\ufe0f",
    "skin tone": "\U0001f44d\U0001f3fd",
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "flag": "\U0001f1eb\U0001f1f7",
    "flag of letters": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "sign that is a letter": "\u2139\ufe0f",
    "newer than this Python's Unicode": "\U0001fae9",
}


@EVERY_CLEANING
@given(text=ANY_TEXT)
@example(text="".join(map(chr, range(0x300, 0x370))))
@example(text="\ud83d\ude00")
def test_any_string_can_be_cleaned_and_no_control_or_surrogate_is_left(clean: Cleaner, text: str) -> None:
    assert not {unicodedata.category(character) for character in clean(text)} & {"Cc", "Cs"}


@EVERY_CLEANING
@given(text=ANY_TEXT)
@example(text="@u\u0301ser r\u0301 httphttps://t.co/a")
def test_cleaning_twice_is_cleaning_once(clean: Cleaner, text: str) -> None:
    assert clean(clean(text)) == clean(text)


@EVERY_CLEANING
@given(text=ANY_TEXT)
@example(text="@user\u0301 http\u0301")
def test_what_is_clean_is_composed(clean: Cleaner, text: str) -> None:
    assert unicodedata.is_normalized("NFC", clean(text))


@EVERY_CLEANING
@given(text=ANY_TEXT)
def test_a_cleaned_text_has_only_single_spaces_within(clean: Cleaner, text: str) -> None:
    assert clean(text) == " ".join(clean(text).split())


@EVERY_CLEANING
@given(text=ANY_TEXT)
def test_what_is_clean_can_be_encoded(clean: Cleaner, text: str) -> None:
    assert clean(text).encode("utf-8").decode("utf-8") == clean(text)


@EVERY_CLEANING
@given(text=ANY_TEXT)
@example(text="a" + "\u0345\u0327" * 5000)
@example(text="a" + "\u0344" * 30)
def test_a_letter_keeps_at_most_thirty_marks(clean: Cleaner, text: str) -> None:
    assert not regex.search(r"\p{M}{31}", clean(text))


@pytest.mark.parametrize("clean", [placeholders, paper, words])
def test_a_letter_keeps_thirty_marks(clean: Cleaner) -> None:
    text = "x" + "\u0305" * 30
    assert clean(text) == text


@EVERY_CLEANING
def test_plain_words_stay_as_they_are(clean: Cleaner) -> None:
    text = "Une d\xe9j\xe0 vue \u0438 \u4f60\u597d 42"
    assert clean(text) == text


@EVERY_CLEANING
@pytest.mark.parametrize("text", ["", " ", "\n\t", "\x00\x01", "\ud800"])
def test_a_text_of_nothing_visible_becomes_empty(clean: Cleaner, text: str) -> None:
    assert clean(text) == ""


@pytest.mark.parametrize("emoji", EMOJIS.values(), ids=EMOJIS)
def test_the_papers_cleaning_removes_emojis_whole(emoji: str) -> None:
    assert paper(f"so{emoji}happy {emoji}") == "so happy"


def test_the_papers_cleaning_leaves_a_keycaps_digit() -> None:
    assert paper("number 1\ufe0f\u20e3 in town") == "number 1 in town"


@pytest.mark.parametrize("url", ["http://a.bc", "https://t.co/x1?y=z#w", "HTTPS://T.CO/X"])
def test_the_papers_cleaning_removes_urls(url: str) -> None:
    assert paper(f"read {url} now") == "read now"


@pytest.mark.parametrize("mark", [*"!\"#%&'()*,-./:;?@[]\\_{}", "\u2026", "\u201c", "\xbf", "\u3002"])
def test_the_papers_cleaning_puts_a_space_for_punctuation(mark: str) -> None:
    assert paper(f"one{mark}two{mark}{mark} three") == "one two three"


@pytest.mark.parametrize("symbol", [*"$+<=>^`|~", "\u20ac", "\xa9", "\xb0", "\u2192", "\u221e", "\u2122"])
def test_the_papers_cleaning_puts_a_space_for_symbols(symbol: str) -> None:
    assert paper(f"one{symbol}two") == "one two"


def test_the_papers_cleaning_removes_redundant_spaces() -> None:
    assert paper("  one \n\n two\t three\u2003four \x85") == "one two three four"


@given(ANY_TEXT)
def test_the_papers_cleaning_removes_punctuation_and_symbols(text: str) -> None:
    categories = {unicodedata.category(character) for character in paper(text)}
    assert not [category for category in categories if category[0] in "PS" or category in ("Cf", "Co")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@bob_1 look: https://t.co/abc!", "@user look: http"),
        ("(@anna), @bert", "(@user), @user"),
        ("see\nHTTP://X.Y\nnow", "see http now"),
        ("mail me@home.org", "mail me@user.org"),
        ("@\u5b57 @cafe\u0301", "@user @user"),
        ("5 @ noon", "5 @ noon"),
    ],
)
def test_placeholders_stand_for_urls_and_mentions(text: str, expected: str) -> None:
    assert placeholders(text) == expected


@pytest.mark.parametrize("kept", [*EMOJIS.values(), "#happy!!!", "50% \u2014 \u20ac3?", ":-)"])
def test_placeholders_keep_emojis_punctuation_and_symbols(kept: str) -> None:
    assert placeholders(f"so {kept}") == f"so {kept}"


@pytest.mark.parametrize("clean", [placeholders, words])
@given(text=ANY_TEXT)
@example(text="@0²")
def test_placeholders_replace_every_mention(clean: Cleaner, text: str) -> None:
    assert not re.search(r"@(?!user(?![A-Za-z0-9_]))[A-Za-z0-9_]", clean(text))


@given(ANY_TEXT)
def test_words_leave_texts_without_emojis_and_hashtags_to_the_placeholders(text: str) -> None:
    plain = regex.sub(r"[#\p{S}\p{Cn}]", "", text)
    assert words(plain) == placeholders(plain)


@pytest.mark.parametrize(("name", "version"), _CLEANERS)
def test_a_cleaning_is_found_by_name_and_version(name: str, version: int) -> None:
    assert cleaner(name, version) is _CLEANERS[name, version]


@pytest.mark.parametrize(("name", "version"), [("paper", 99), ("unheard_of", 1)])
def test_an_unknown_cleaning_is_a_bundle_error_that_names_what_there_is(name: str, version: int) -> None:
    with pytest.raises(
        BundleError, match=f"'{name}' version {version}.*placeholders 1, paper 1, words 1, words 2.*update Starling"
    ):
        cleaner(name, version)
