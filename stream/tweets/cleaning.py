"""Cleaning of a tweet's text before it is tokenised.

A model needs the same cleaning in service as in training. So a cleaning has a name and a version, the bundle states
them, and training and service run this same code. A published version never changes: a better rule is a new version.

Every cleaning accepts any string, lone surrogates included, is idempotent, and returns NFC.
"""

import unicodedata
from collections.abc import Callable

import regex

from stream.errors import BundleError
from stream.tweets.words import emojis_in_words, hashtags_in_words
from stream.tweets.words_2 import words_2

Cleaner = Callable[[str], str]

_URL = regex.compile(r"https?://\S+", regex.IGNORECASE)
# With its combining marks: otherwise NFC would join them to the last letter of the placeholder.
_MENTION = regex.compile(r"@[\w\p{M}]+")
# Not whitespace, which is collapsed later. A tokeniser cannot encode surrogates, and the others are invisible.
_UNPRINTABLE = regex.compile(r"[^\P{Cc}\s]|\p{Cs}")
# The limit of Unicode's Stream-Safe Text Format (UAX #15, section 13): the time to sort marks grows with the square of
# their number, and is half a second for ten thousand.
_EXCESSIVE_MARKS = regex.compile(r"(?<=\p{M}{30})\p{M}+")
# Emojis are pictographs and symbols (S) with format characters (Cf), variation selectors and keycaps.
_SYMBOL = regex.compile(r"[\p{Extended_Pictographic}\p{P}\p{S}\p{Cf}\p{Co}\p{Cn}\uFE00-\uFE0F\u20E3]+")


def _printable_nfc(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text  # the usual case
    text = _EXCESSIVE_MARKS.sub("", _UNPRINTABLE.sub("", text))
    # Again, because NFC splits a few marks into two.
    return _EXCESSIVE_MARKS.sub("", unicodedata.normalize("NFC", text))


def _single_spaced(text: str) -> str:
    return " ".join(text.split())


def placeholders(text: str) -> str:
    """Replace each URL by `http` and each mention by `@user`; everything else stays, for instance emojis.

    The convention of the TweetEval benchmark (Barbieri et al., 2020).
    """
    text = _URL.sub("http", _printable_nfc(text))
    return _single_spaced(_MENTION.sub("@user", text))


def words(text: str) -> str:
    """Clean like `placeholders`, and replace emojis and hashtags by words."""
    return _single_spaced(hashtags_in_words(emojis_in_words(placeholders(text))))


def paper(text: str) -> str:
    """Remove redundant spaces, symbols, emojis, URL links and punctuation marks.

    The cleaning of 'Quantized Transformer Language Model Implementations on Edge Devices', section III. Each removed
    run is replaced by one space, so that the words around it stay separate.
    """
    text = _URL.sub(" ", _printable_nfc(text))
    return _single_spaced(_SYMBOL.sub(" ", text))


def entity_name(name: str) -> str:
    """Clean the name of an entity for a model that reads it: printable, NFC, single-spaced, without leading @ and #.

    It is the same for every cleaning of texts, which would replace a name such as @Acme.
    """
    return _single_spaced(_printable_nfc(name)).lstrip("@# ")


_CLEANERS: dict[tuple[str, int], Cleaner] = {
    ("placeholders", 1): placeholders,
    ("paper", 1): paper,
    ("words", 1): words,
    ("words", 2): words_2,
}


def cleaner(name: str, version: int) -> Cleaner:
    """Return the cleaning that a bundle names.

    Raises:
        BundleError: This release has no cleaning of that name and version.
    """
    try:
        return _CLEANERS[name, version]
    except KeyError:
        known = ", ".join(f"{known_name} {known_version}" for known_name, known_version in _CLEANERS)
        raise BundleError(
            f"the model needs the cleaning '{name}' version {version}, which this release of Starling does not "
            f"have (it has {known}): update Starling or convert the model again"
        ) from None
