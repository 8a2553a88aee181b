"""The part of a tweet's text that tells its language."""

import re
import unicodedata

import regex

MOST_REMEMBERED = 4096
"""Characters whose kind is kept, more than languages with an alphabet have: all of Unicode would take megabytes."""


class Words(dict[int, int | str]):
    """A table for `str.translate`, filled as needed: letters, marks and apostrophes stay, others become spaces."""

    def __missing__(self, code: int) -> int | str:
        character = chr(code)
        stays = character == "'" or unicodedata.category(character)[0] in "LM"
        found = code if stays else " "
        if len(self) < MOST_REMEMBERED:
            self[code] = found
        return found


_LINKS_AND_NAMES = regex.compile(r"(?:https?://|www\.)\S*+|\bhttps?\b|@[\w\p{M}.]++|\bRT\b|&\w{2,6}+;")
_SIGNS_OF_LINKS_AND_NAMES = ("http", "www.", "@", "RT", "&")
"""One of them is in each text that the pattern matches; to look for them takes a tenth of its time."""
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc", "'"))
"""Phones write the typographic ones, and the identification model knows only the plain one."""
WORDS = Words()
_NOT_LATIN = regex.compile(r"[^\p{Latin}\p{M}\s']")
_REPEATED_LETTER = re.compile(r"(\w)\1{2,}")
_SCRIPTS = tuple(
    regex.compile(pattern)
    for pattern in (
        r"\p{Latin}",
        r"\p{Cyrillic}",
        r"\p{Greek}",
        r"\p{Arabic}",
        r"\p{Hebrew}",
        r"[\p{Devanagari}\p{Bengali}\p{Gujarati}\p{Gurmukhi}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}]",
        r"[\p{Han}\p{Hiragana}\p{Katakana}]",
        r"\p{Hangul}",
        r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]",
    )
)
_MOST_SCRIPTS = 2
_LONGEST = 2000
"""Characters of a text that are read: the beginning of a long text tells its language."""


def identifiable_text(text: str) -> str:
    """Return the words of a text in lower case, without links, mentions, emojis, digits and punctuation.

    Words of hashtags stay. A letter three times or more in a row is written twice. The result is empty for a text
    without words, and for one in three scripts or more, which has no single language.
    """
    text = text[:_LONGEST]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    if any(sign in text for sign in _SIGNS_OF_LINKS_AND_NAMES):
        text = _LINKS_AND_NAMES.sub(" ", text)
    text = text.translate(WORDS)
    if not text.isascii() and _NOT_LATIN.search(text):
        scripts = sum(script.search(text) is not None for script in _SCRIPTS)
        if scripts > _MOST_SCRIPTS:
            return ""
    return " ".join(_REPEATED_LETTER.sub(r"\1\1", text.lower()).split())
