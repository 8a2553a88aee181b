"""Words for emojis and hashtags, because a tokeniser has tokens for words.

An emoji is replaced by its Unicode name. Names never change, but each version of Python knows more characters, so only
those of Unicode 14, which Python 3.11 knows, are replaced: the result is the same on every Python.
"""

import unicodedata
from functools import cache

import regex

# Pictures, for instance faces; not arrows, letters in squares and box drawings.
_EMOJI = r"[\u203C\u2049\u231A-\u23FF\u2600-\u27BF\u2B1B-\u2B55\U0001F300-\U0001FAFF]"
_NEWER_THAN_UNICODE_14 = regex.compile(
    "[\U0001f6d8\U0001f6dc\U0001f774-\U0001f77f\U0001f7d9\U0001fa54-\U0001fa57\U0001fa75-\U0001fa77\U0001fa87-"
    "\U0001fa8f\U0001faad-\U0001faaf\U0001fabb-\U0001fabf\U0001fac6-\U0001facf\U0001fada-\U0001fadf\U0001fae8-"
    "\U0001faef\U0001faf7-\U0001faff]"
)
# Characters after an emoji: skin tones, variation selectors, tags, joiners and genders.
_MODIFIER = r"(?:[\U0001F3FB-\U0001F3FF\uFE0E\uFE0F\u20E3\U000E0020-\U000E007F]|\u200D[\u2640\u2642]\uFE0F?|\u200D)"
_EMOJIS = regex.compile(rf"({_EMOJI}){_MODIFIER}*+(?:\1{_MODIFIER}*+)*+")
_FLAG = regex.compile(r"[\U0001F1E6-\U0001F1FF]{2}")
_FIRST_FLAG_LETTER = 0x1F1E6
# Words in Unicode's names about the printing of a character, not about its picture.
PRINTING_WORDS = {"black", "white", "heavy", "sign", "symbol"}

# Not from the second of many signs on, so that the time is proportional to the length.
_HASHTAG = regex.compile(r"(?<!#)#++(?=[\w\p{M}]*\p{L})([\w\p{M}]++)")
_WORD_BOUNDARY = regex.compile(
    r"(?<=[\p{Ll}\d])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{L})(?=\d)|(?<=\d)(?=\p{L})|_"
)


def emojis_in_words(text: str) -> str:
    """Replace each emoji by its name, equal ones in a row by one name, and a flag by `flag` and its letters."""
    if text.isascii():
        return text
    text = _FLAG.sub(lambda flag: f" flag {_letters(flag[0])} ", text)
    return _EMOJIS.sub(lambda emojis: f" {_name(emojis[1])} ", text)


def hashtags_in_words(text: str) -> str:
    """Split hashtags at capitals, digits and underscores: `#GoodMorning_all` → `Good Morning all`."""
    if "#" not in text:
        return text
    return _HASHTAG.sub(lambda tag: f" {_WORD_BOUNDARY.sub(' ', tag[1])} ", text)


@cache
def _name(emoji: str) -> str:
    if _NEWER_THAN_UNICODE_14.match(emoji):
        return emoji
    name = unicodedata.name(emoji, emoji).lower()
    if name.startswith("emoji modifier"):  # a skin tone without an emoji
        return ""
    words = name.replace("-", " ").split()
    return " ".join(word for word in words if word not in PRINTING_WORDS) or name


def _letters(flag: str) -> str:
    return "".join(chr(ord("a") + ord(letter) - _FIRST_FLAG_LETTER) for letter in flag)
