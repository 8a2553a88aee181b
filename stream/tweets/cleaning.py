"""Cleaning: what is done to a tweet's text before it is tokenised.

A model is only as good as the match between the text it was trained on and the text it is served, so a cleaning has
a name and a version, the bundle states them, and training and service run this same code. A published version never
changes: a better rule is a new version.

Every cleaning takes any string, lone surrogates included, never fails, is idempotent, and returns NFC.
"""

import unicodedata
from collections.abc import Callable

import regex

from stream.errors import BundleError
from stream.tweets.words import emojis_in_words, hashtags_in_words

Cleaner = Callable[[str], str]

_URL = regex.compile(r"https?://\S+", regex.IGNORECASE)
# With its combining marks: left behind, they would join the placeholder's last letter under NFC.
_MENTION = regex.compile(r"@[\w\p{M}]+")
# Whitespace stays, to be collapsed; a tokeniser cannot encode the surrogates, nor anybody see the rest.
_UNPRINTABLE = regex.compile(r"[^\P{Cc}\s]|\p{Cs}")
# Unicode's Stream-Safe Text Format (UAX #15, section 13) has as many at most: marks are put in order in a time that
# grows with the square of their number, half a second for ten thousand.
_MARKS_WITHOUT_END = regex.compile(r"(?<=\p{M}{30})\p{M}+")
# Emojis are pictographs and symbols (S), joined and coloured by format characters (Cf), variation selectors and the
# keycap.
_SYMBOL = regex.compile(r"[\p{Extended_Pictographic}\p{P}\p{S}\p{Cf}\p{Co}\p{Cn}\uFE00-\uFE0F\u20E3]+")


def _printable_nfc(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text  # as most are
    text = _MARKS_WITHOUT_END.sub("", _UNPRINTABLE.sub("", text))
    # Again, for a few marks come apart into two.
    return _MARKS_WITHOUT_END.sub("", unicodedata.normalize("NFC", text))


def _single_spaced(text: str) -> str:
    return " ".join(text.split())


def placeholders(text: str) -> str:
    """Put `http` for each URL and `@user` for each mention; the rest stays, emojis and punctuation too.

    The convention of the TweetEval benchmark (Barbieri et al., 2020).
    """
    text = _URL.sub("http", _printable_nfc(text))
    return _single_spaced(_MENTION.sub("@user", text))


def words(text: str) -> str:
    """Do what `placeholders` does, and put emojis and hashtags into words."""
    return _single_spaced(hashtags_in_words(emojis_in_words(placeholders(text))))


def paper(text: str) -> str:
    """Remove redundant spaces, symbols, emojis, URL links and punctuation marks.

    The cleaning of 'Quantized Transformer Language Model Implementations on Edge Devices', section III. Each removed
    run leaves one space, so that words it parted stay parted.
    """
    text = _URL.sub(" ", _printable_nfc(text))
    return _single_spaced(_SYMBOL.sub(" ", text))


_CLEANERS: dict[tuple[str, int], Cleaner] = {
    ("placeholders", 1): placeholders,
    ("paper", 1): paper,
    ("words", 1): words,
}


def cleaner(name: str, version: int) -> Cleaner:
    """Find the cleaning that a bundle names.

    Raises:
        BundleError: This release has no cleaning of that name and version.
    """
    try:
        return _CLEANERS[name, version]
    except KeyError:
        known = ", ".join(f"{known_name} {known_version}" for known_name, known_version in _CLEANERS)
        raise BundleError(
            f"the model wants its text cleaned by '{name}' version {version}, which this release of Starling does not "
            f"have (it has {known}): update Starling or convert the model again"
        ) from None
