"""Language tags of publishers, and the codes by which bundles and the identification model name languages."""

import re
from functools import lru_cache

_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*")
_OTHER_CODES = {
    # Codes that X or old systems use, by the code that is used here.
    "in": "id",
    "iw": "he",
    "ji": "yi",
    "jw": "jv",
    "mo": "ro",
    "nb": "no",
    "fil": "tl",
    # Members of a macrolanguage that are labelled like it.
    "arz": "ar",
    "arb": "ar",
    "cmn": "zh",
    # ISO 639-2 and 639-3 for languages with two letters in ISO 639-1.
    "ara": "ar",
    "deu": "de",
    "ger": "de",
    "eng": "en",
    "fra": "fr",
    "fre": "fr",
    "hin": "hi",
    "ind": "id",
    "ita": "it",
    "jpn": "ja",
    "kor": "ko",
    "nld": "nl",
    "dut": "nl",
    "pol": "pl",
    "por": "pt",
    "rus": "ru",
    "spa": "es",
    "tur": "tr",
    "ukr": "uk",
    "zho": "zh",
    "chi": "zh",
}
_NO_LANGUAGE = {"art", "und", "mis", "mul", "zxx"}
"""Codes for texts without one known language; so are X's, which begin with `q`: `qme` for media, `qht` for hashtags."""


@lru_cache(maxsize=1024)
def language_code(tag: str) -> str | None:
    """Return the code of the language of a tag of BCP 47: `pt` for `pt-BR`; None where it names no language."""
    found = _TAG.fullmatch(tag.strip())
    if found is None:
        return None
    code = found[1].lower()
    code = _OTHER_CODES.get(code, code)
    return None if code in _NO_LANGUAGE or (len(code) == 3 and code.startswith("q")) else code  # noqa: PLR2004  (letters)
