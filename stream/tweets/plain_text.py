"""Plain text of a text with references, styled letters and invisible characters: what a reader reads.

The time is proportional to the length for any input: a text comes from anybody.
"""

import sys
import unicodedata
from enum import Enum, auto
from functools import lru_cache
from html.entities import html5

import regex

from stream.tweets.styled_letters import may_be_styled, unstyled_after_nfkc, unstyled_before_nfkc

# Not whitespace, which is collapsed later. A tokeniser cannot encode surrogates, and the others are invisible.
_UNPRINTABLE = regex.compile(r"[^\P{Cc}\s]|\p{Cs}")
# The limit of Unicode's Stream-Safe Text Format (UAX #15, section 13): the time to sort marks grows with the square of
# their number, and is half a second for ten thousand.
_EXCESSIVE_MARKS = regex.compile(r"(?<=\p{M}{30})\p{M}+")

# Default_Ignorable_Code_Point of Unicode 14 without the blank letters of Hangul: joiners, soft hyphens, directions,
# variation selectors, tags.
_INVISIBLE = (
    r"\xad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLES = regex.compile(f"[{_INVISIBLE}]")
_GENDER = regex.compile(r"\u200D[\u2640\u2642]")
# Marks that are of no language's own letters: accents, and what generators put over, under and around letters.
_MARK = r"\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARKS = regex.compile(f"[{_MARK}]")
_MARKED = regex.compile(rf"[\p{{L}}\p{{N}}\p{{M}}]*+(?<=[{_MARK}])|[\p{{L}}\p{{N}}\p{{M}}]++")

_REGIONAL = r"\U0001F1E6-\U0001F1FF"
_REGIONAL_RUN = regex.compile(f"[{_REGIONAL}](?:[{_INVISIBLE}]*+[{_REGIONAL}])*+")
_FIRST_REGIONAL, _LAST_REGIONAL = "\U0001f1e6", "\U0001f1ff"
_LETTERS_OF_A_FLAG = 2
# ISO 3166-1, and the codes of the other flags in Unicode's list.
_REGIONS_LISTED = (
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz "
    "ca cc cd cf cg ch ci ck cl cm cn co cp cq cr cu cv cw cx cy cz de dg dj dk dm do dz ea ec ee eg eh er es et eu fi "
    "fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu ic id ie il im in io iq "
    "ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml "
    "mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps "
    "pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz ta tc td tf tg th tj tk "
    "tl tm tn to tr tt tv tw tz ua ug um un us uy uz va vc ve vg vi vn vu wf ws xk ye yt za zm zw"
)
_REGIONS = frozenset(_REGIONS_LISTED.split())

_REFERENCE = regex.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
# An ampersand that was encoded any number of times.
_AMPERSAND = regex.compile(r"&(?:(?:amp|#0{0,4}38|#x0{0,4}26);)++", regex.IGNORECASE)
_MOST_PASSES = 4
# Vowels and final consonants of Hangul, which join the letter before them.
_HANGUL_PARTS = ("\u1160", "\u11ff")
_MOST_CHARACTERS_KEPT = 4096
_SURROGATES = range(0xD800, 0xE000)


def plain_text(text: str) -> str:
    """Return a text in NFKC, with references decoded, styled letters plain, and without invisible characters.

    References inside references are decoded up to a depth of four; a text that needs more is left as it is.
    """
    plain = first = _plain_characters(text)
    for _ in range(_MOST_PASSES):
        if "&" not in plain or not _REFERENCE.search(plain):
            return plain
        decoded = _REFERENCE.sub(_decoded, _AMPERSAND.sub("&", plain))
        if decoded == plain:  # only names that do not exist
            return plain
        plain = _plain_characters(decoded)
    return first


def _plain_characters(text: str) -> str:
    if text.isascii():
        return text if text.isprintable() else _UNPRINTABLE.sub("", text)
    steps = frozenset(map(_step, set(text)))
    if steps == _NO_STEP:
        return text
    if not text.isprintable():
        text = _UNPRINTABLE.sub("", text)
    if _Step.REGIONAL in steps:
        text = _flags_in_words(text)
    if _Step.INVISIBLE in steps:
        text = _INVISIBLES.sub("", _GENDER.sub("", text))
    if _Step.NORMALISE in steps:
        # Again, because normalisation splits a few marks into two.
        text = unstyled_before_nfkc(_EXCESSIVE_MARKS.sub("", text))
        text = _EXCESSIVE_MARKS.sub("", unicodedata.normalize("NFKC", text))
        if _MARKS.search(text):
            text = unicodedata.normalize("NFKC", _MARKED.sub(_without_marks, text))
    return unstyled_after_nfkc(text)


class _Step(Enum):
    """Step of the conversion that a character makes necessary."""

    NONE = auto()
    UNPRINTABLE = auto()
    REGIONAL = auto()
    INVISIBLE = auto()
    NORMALISE = auto()
    STYLED = auto()


_NO_STEP = frozenset({_Step.NONE})


@lru_cache(_MOST_CHARACTERS_KEPT)
def _step(character: str) -> _Step:
    if _UNPRINTABLE.match(character):
        return _Step.UNPRINTABLE
    if _FIRST_REGIONAL <= character <= _LAST_REGIONAL:
        return _Step.REGIONAL
    if _INVISIBLES.match(character):
        return _Step.INVISIBLE
    if (
        _MARKS.match(character)
        or unicodedata.category(character).startswith("M")
        or _HANGUL_PARTS[0] <= character <= _HANGUL_PARTS[1]
        or not unicodedata.is_normalized("NFKC", character)
        or unstyled_before_nfkc(character) != character
    ):
        return _Step.NORMALISE
    return _Step.STYLED if may_be_styled(character) else _Step.NONE


def _without_marks(word: regex.Match[str]) -> str:
    """Return a word's letters where a letter has a mark that is not part of a character; accents are part of one."""
    if not _MARKS.search(word[0]):
        return word[0]
    return _MARKS.sub("", unicodedata.normalize("NFD", word[0]))


def _flags_in_words(text: str) -> str:
    """Replace flags by `flag` and their letters, and words that are spelt with the letters of flags by these words."""
    runs = _REGIONAL_RUN.findall(text)
    if not runs:
        return text
    spelt = any(len(run) > _LETTERS_OF_A_FLAG and not _are_flags(run) for run in runs)

    def in_words(found: regex.Match[str]) -> str:
        letters = _INVISIBLES.sub("", found[0])
        if spelt or not _are_flags(found[0]):
            return "".join(_letter(letter).upper() for letter in letters)
        pairs = zip(letters[::2], letters[1::2], strict=True)
        return "".join(f" flag {_letter(one)}{_letter(two)} " for one, two in pairs)

    return _REGIONAL_RUN.sub(in_words, text)


def _are_flags(run: str) -> bool:
    letters = "".join(map(_letter, run))
    return letters.isalpha() and all(letters[at : at + 2] in _REGIONS for at in range(0, len(letters), 2))


def _letter(regional: str) -> str:
    """Return the letter of a regional indicator, and a space for every other character."""
    if not _FIRST_REGIONAL <= regional <= _LAST_REGIONAL:
        return " "
    return chr(ord("a") + ord(regional) - ord(_FIRST_REGIONAL))


def _decoded(reference: regex.Match[str]) -> str:
    name = reference[0][1:]
    if not name.startswith("#"):
        return html5.get(name, reference[0])
    digits = name[1:-1]
    code = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
    return chr(code) if 0 < code <= sys.maxunicode and code not in _SURROGATES else ""
