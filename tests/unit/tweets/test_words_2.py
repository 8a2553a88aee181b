import hashlib
import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.tweets.cleaning import cleaner, words
from stream.tweets.words_2 import words_2

ADVERSARIAL_CHARACTERS = 200_000
PLAIN = "this shop is the worst"
SMALL = "abcdefghijklmnopqrstuvwxyz"


def _styled(first: int) -> str:
    return "".join(chr(first + SMALL.index(letter)) if letter != " " else " " for letter in PLAIN)


def _replaced(text: str, letters: str, styled: str) -> str:
    return text.translate(str.maketrans(letters, styled))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Train late again https://t.co/Xy1\U0001f621\U0001f621", "Train late again http pouting face"),
        ("See https://t.co/Xy1,awful food", "See http , awful food"),
        ("(https://t.co/Xy1)dreadful!!", "( http ) dreadful!!"),
        ("https://t.co/Xy1!!! no", "http !!! no"),
        ("broken:https://t.co/Xy1", "broken: http"),
        ("brokenhttps://t.co/Xy1", "broken http"),
        ("https://t.co/Xy1https://t.co/Xy2", "http http"),
        ("https://t.co/Xy1#fail", "http fail"),
        ("https://t.co/Xy1@anna", "http @user"),
        ("https://t.co/Xy1\u6700\u60aa", "http \u6700\u60aa"),
        ("https://example.com/a(b)c?d=1,2#e now", "http now"),
        ("https://example.com/a,dreadful", "http , dreadful"),
        ("Read https://example.com/a.", "Read http ."),
        ("HTTPS://T.CO/X and pic.twitter.com/Ab1 and www.example.org/x", "http and http and http"),
        ("nothing after https:// here", "nothing after https:// here"),
    ],
)
def test_text_beside_a_url_stays(text: str, expected: str) -> None:
    assert words_2(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@tanaka\u6700\u60aa", "@user \u6700\u60aa"),
        ("@anna,awful", "@user,awful"),
        ("awful@anna", "awful @user"),
        ("(@anna), @bert's", "(@user), @user's"),
        ("@caf\xe9 x", "@user x"),
        ("@anna@mastodon.social hi", "@user hi"),
        ("@anna.bsky.social hi", "@user hi"),
        ("@anna.com hi", "@user hi"),
        ("thanks @anna.Great show", "thanks @user.Great show"),
        ("5 @ noon", "5 @ noon"),
    ],
)
def test_text_beside_a_mention_stays(text: str, expected: str) -> None:
    assert words_2(text) == expected


@pytest.mark.parametrize("address", ["bert@example.org", "b.c+d@mail.example.co.uk", "x_1@a-b.de"])
def test_a_mail_address_is_no_mention(address: str) -> None:
    assert words_2(f"Ask {address}, awful") == f"Ask {address}, awful"


@pytest.mark.parametrize(
    "text",
    [
        *map(_styled, (0x1D41A, 0x1D482, 0x1D4EA, 0x1D586, 0x1D5BA, 0x1D5EE, 0x1D622, 0x1D68A, 0xFF41, 0x24D0)),
        _styled(0x249C),
        _replaced(PLAIN, SMALL, "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡxʏᴢ"),
        _replaced(PLAIN, SMALL, "αвcдєfgнιjкlмησρqяѕтυνωχуz"),
        _replaced(PLAIN, "aeopcyxsij", "аеорсухѕіј"),
        "".join(f"{letter}\u0336" for letter in PLAIN),
        "".join(f"{letter}\u0317\u0301\u0489\u035c" for letter in PLAIN),
        "\u200b".join(PLAIN),
        "\xad".join(PLAIN),
        "\u2060\u200d\ufeff".join(PLAIN),
        f"\u202e{PLAIN}\u202c",
        PLAIN.replace("s", "s\ufe0f"),
        PLAIN.replace(" ", "\u3164"),
    ],
)
def test_styled_small_letters_become_plain(text: str) -> None:
    assert words_2(text) == PLAIN


@pytest.mark.parametrize("first", [0x1F130, 0x1F150, 0x1F170, 0x1F110, 0x24B6, 0x1D400, 0x1CCD6, 0x1F1E6])
def test_styled_capitals_become_plain(first: int) -> None:
    assert words_2("".join(chr(first + SMALL.index(letter)) for letter in "dreadful")) == "DREADFUL"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GЯEAT", "GREAT"),
        ("ᗯOᖇᔕT ᗷᗩᗪ", "WORST BAD"),
        ("ᎳᎾᏒᏚᎢ it is", "ᎳᎾᏒᏚᎢ it is"),
        ("this is \u0430 scam", "this is a scam"),
        ("o\ufb03ce \u2116 x", "office No x"),
        ("\U0001f171ruh \U0001f197", "Bruh OK"),
        ("\u2776 \u2460 1\ufe0f\u20e30\ufe0f\u20e3/1\ufe0f\u20e30\ufe0f\u20e3 \U0001f51f", "1 1 10/10 10"),
        ("10\xbd of 20", "10 1/2 of 20"),
        ("\u201cI don\u2019t\u201d", '"I don\'t"'),
        ("\U0001f1f9\U0001f1ed\U0001f1ee\U0001f1f8 \U0001f1e7\U0001f1e6\U0001f1e9", "THIS BAD"),
        ("\U0001f1fa\U0001f1f8\U0001f1ec\U0001f1e7 win", "flag us flag gb win"),
        ("W O R S T  D A Y ever", "WORST DAY ever"),
        ("v e r y good", "very good"),
    ],
)
def test_what_looks_like_a_word_becomes_the_word(text: str, expected: str) -> None:
    assert words_2(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "\u042f \u043b\u044e\u0431\u043b\u044e Python",
        "\u042f\u043d\u0434\u0435\u043a\u0441",
        "\u03ba\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1 from Athens",
        "\u0915\u093f\u0924\u093e\u092c",
        "\u0645\u064e\u0631\u0652\u062d\u064e\u0628\u064b\u0627",
        "\u65e5 \u672c \u8a9e \u3067",
        "caf\xe9 na\xefve \u1ebf",
    ],
)
def test_other_languages_stay(text: str) -> None:
    assert words_2(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tom &amp; Ann &lt;3", "Tom & Ann <3"),
        ("Tom &amp;amp; Ann &amp;lt;3", "Tom & Ann <3"),
        ("Tom &amp;amp;amp;amp;amp; Ann", "Tom & Ann"),
        ("&#128545;&#x1F621; &hellip;", "pouting face ..."),
        ("awful&#8203;ly &nbsp; bad", "awfully bad"),
        ("R&B, AT&T; &nosuch; &notit; &copy &#0;x", "R&B, AT&T; &nosuch; &notit; &copy x"),
    ],
)
def test_references_are_decoded(text: str, expected: str) -> None:
    assert words_2(text) == expected


@given(st.text(st.characters(exclude_categories=["Cs"]).filter(lambda character: character != "&")), st.integers(1, 3))
def test_an_encoded_text_is_cleaned_like_the_text(text: str, times: int) -> None:
    encoded = text
    for _ in range(times):
        encoded = html.escape(encoded)
    assert words_2(encoded) == words_2(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so \U0001fae9\U0001fae9!", "so face with bags under eyes !"),
        ("\U0001fa77 \U0001fae8 \U0001fadf \U0001faea", "pink heart shaking face splatter distorted face"),
        ("\U0001f44d\U0001f3fd\U0001f44d\U0001f3fb", "thumbs up"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "man woman girl"),
        ("\U0001f3c3\u200d\u2640\ufe0f fast", "runner fast"),
        ("\u2764\ufe0f\u200d\U0001f525", "heart fire"),
        ("skin \U0001f3fd tone", "skin tone"),
        ("a \u203c b", "a !! b"),
    ],
)
def test_an_emoji_becomes_its_name(text: str, expected: str) -> None:
    assert words_2(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lovely weather #not", "lovely weather # not"),
        ("lovely weather #sarcasm", "lovely weather sarcasm"),
        ("lovely weather /s", "lovely weather /s"),
        ("lovely weather!/s", "lovely weather! /s"),
        ("#NotHappy 5 km/s he/she/s", "Not Happy 5 km/s he/she/s"),
    ],
)
def test_marks_of_sarcasm_stay_words(text: str, expected: str) -> None:
    assert words_2(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I h4te this w0rst, gr8", "I hate this worst, great"),
        ("b@d f**king $hit a$$hole F*CK", "bad fucking shit asshole FUCK"),
        ("#w0rst", "worst"),
        ("*great* 4w3s0m3", "*great* awesome"),
        ("*She is* 100k A11 a11", "*She is* 100k A11 a11"),
        ("mp3s PS5 R2D2 c3po 5stars $TSLA a1c 2*3*4 covid19", "mp3s PS5 R2D2 c3po 5stars $TSLA a1c 2*3*4 covid19"),
    ],
)
def test_words_with_digits_and_signs_become_plain(text: str, expected: str) -> None:
    assert words_2(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loooove sooo goooood nooooo", "love so good no"),
        ("yummmmmy zzzzz", "yummy zz"),
        ("gooooodddd heyyy everrrr", "good hey ever"),
        ("World War III, www, AAA, 1000", "World War III, www, AAA, 1000"),
        ("wow!!!!!!!! what?????? ....", "wow!!! what??? ..."),
    ],
)
def test_lengthened_words_are_shortened(text: str, expected: str) -> None:
    assert words_2(text) == expected


@given(st.text(st.characters(codec="ascii") | st.characters(exclude_categories=[])))
def test_what_is_clean_is_compatibility_composed_and_bounded(text: str) -> None:
    assert unicodedata.is_normalized("NFKC", words_2(text))
    assert len(words_2(text)) <= 100 * len(text)


@given(st.text(st.sampled_from("&#;ampltx38@.a/s$h4te* \U0001f1e6\u0430\u03c9"), max_size=30))
def test_cleaning_twice_is_cleaning_once_for_texts_of_special_characters(text: str) -> None:
    assert words_2(words_2(text)) == words_2(text)


@given(st.text(st.sampled_from("bcdfghjkm ,.'"), max_size=40))
def test_usual_texts_are_cleaned_as_by_version_1(text: str) -> None:
    plain = re.sub(r"(?i)([a-z,.'])\1\1+", r"\1", re.sub(r"\b\w ", "", text))
    assert words_2(plain) == words(plain)


def test_every_character_of_the_basic_planes_is_cleaned_as_when_the_version_was_published() -> None:
    cleaned = "\n".join(words_2(f"a {chr(code)}b") for code in range(0x20000))
    assert hashlib.sha256(cleaned.encode()).hexdigest()[:16] == "6923acaca777582b"


@pytest.mark.timeout(20)  # a time that grows with the square of the length is 45 s and more
@pytest.mark.parametrize(
    "piece",
    [
        *("a", "A ", "@", "@a@a.", "a.", "&amp;", "&&num;38;", "https://", "https://a(", "https://t.co/", "www."),
        *("(", "#", "#a", "#aB1", "1a", "a*", "*", "$", "a\u0334", "\u0344", "\u200b", "\U0001f1e6", "\U0001f600"),
        *("\u0430", "\u03c9\u0430", "\ufdfa         ", "\u2474", "\xbd", "h4te.", "f**k ", "/s", "!", "\u0345\u0327"),
    ],
)
def test_a_long_text_of_special_characters_is_cleaned_in_linear_time(piece: str) -> None:
    assert words_2(piece * (ADVERSARIAL_CHARACTERS // len(piece))) is not None


def test_a_bundle_may_name_version_2() -> None:
    assert cleaner("words", 2) is words_2
