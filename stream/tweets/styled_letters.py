"""Plain letters for styled ones, which a tokeniser does not know, so that the words around them are read.

Unicode's compatibility normalisation (NFKC) already makes plain letters of mathematical, full-width, circled, squared
and superscript ones. The tables here have what it leaves: small capitals, white letters on black circles and squares,
and letters of other alphabets that only look like Latin ones. They belong to a version of a cleaning, so they are not
taken from a library, whose tables change with its releases.
"""

import string
import unicodedata

import regex

_LOWER, _UPPER = string.ascii_lowercase, string.ascii_uppercase


def _aligned(styled: str, plain: str) -> dict[str, str]:
    return {letter: meant for letter, meant in zip(styled, plain, strict=True) if letter != " "}


def _row(first: int, plain: str) -> dict[str, str]:
    return {chr(first + number): meant for number, meant in enumerate(plain)}


# Before NFKC, which would put each letter in brackets, glue a fraction to the number before it, and so on.
_BEFORE_NFKC = str.maketrans(
    {
        **_row(0x249C, _LOWER),  # parenthesised letters
        **_row(0x1F110, _UPPER),
        **_row(0x1F150, _UPPER),  # white on black circles
        **_row(0x1F170, _UPPER),  # white on black squares
        "\U0001f18e": "AB",
        "\U0001f191": " CL ",
        "\U0001f192": " COOL ",
        "\U0001f193": " FREE ",
        "\U0001f194": " ID ",
        "\U0001f195": " NEW ",
        "\U0001f196": " NG ",
        "\U0001f197": " OK ",
        "\U0001f198": " SOS ",
        "\U0001f199": " UP! ",
        "\U0001f19a": " VS ",
        "\U0001f51f": "10",  # keycap
        **_row(0x2776, "123456789"),  # digits in circles
        **_row(0x2780, "123456789"),
        **_row(0x278A, "123456789"),
        **_row(0x24F5, "123456789"),
        **dict.fromkeys("\u277f\u2789\u2793\u24fe", "10"),
        "\u24ff": "0",
        "\U0001f10b": "0",
        "\U0001f10c": "0",
        "\u2122": " TM ",
        "\u2120": " SM ",
        **{
            fraction: f" {unicodedata.normalize('NFKC', fraction).replace(chr(0x2044), '/')}"
            for fraction in map(chr, (0xBC, 0xBD, 0xBE, *range(0x2150, 0x215F), 0x2189))
        },
        # Blank characters that are letters or symbols for Unicode.
        **dict.fromkeys("\u115f\u1160\u3164\uffa0\u2800", " "),
        # Outlined letters and digits, whose compatibility forms Python knows only from Unicode 16 on.
        **_row(0x1CCD6, _UPPER),
        **_row(0x1CCF0, string.digits),
        # Superscript Cyrillic letters, whose compatibility forms Python knows only from Unicode 15 on.
        **_row(0x1E030, "абвгдежзиклмопрстуфхцчшыэюꚉәіјөүӏабвгдежзиклопсуфхцчшъыґіѕџҫꙑұ"),
    }
)
_SMALL_CAPITALS = {
    **_aligned("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡ ʏᴢ", _LOWER),
    # Letters that differ from the plain ones by a bar, or by how they are drawn, and are of no large language.
    **_aligned("ɑƀȼ ɇ ɡ ɨɉꝁ     ꝗɍꞩⱦʉ   ɏƶ", _LOWER),
    **_aligned("ȺɃȻ Ɇ Ǥ ƗɈꝀȽ  ƟⱣꝖɌꞨȾɄ   ɎƵ", _UPPER),
}
_AFTER_NFKC = str.maketrans(
    {
        **_SMALL_CAPITALS,
        "\u0192": "f",
        "\u2202": "d",  # the sign of a partial derivative
        **dict.fromkeys("\u2044\u2215", "/"),
        **dict.fromkeys("\u2018\u2019\u201b\u2032", "'"),
        **dict.fromkeys("\u201c\u201d\u201f\u2033", '"'),
    }
)

# Letters that look exactly like a Latin one in most fonts.
_LIKE_LATIN = {
    **_aligned("асԁеԍһіјӏорԛѕԝхуѵ", "acdeghijlopqswxyv"),
    **_aligned("АВСЕԌНІЈКМОРԚЅТԜХУѴ", "ABCEGHIJKMOPQSTWXYV"),
    **_aligned("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
    **_aligned("ονϲϳ", "ovcj"),
}
# Letters that are read as a Latin one only beside others: the alphabets of generators of styled text.
_READ_AS_LATIN = {
    **_LIKE_LATIN,
    **_aligned("αвгдєғнийкмптфцшщьяёэоъі", "abrdefhnnkmntfuwwbreeobi"),
    **_aligned("БГДЄҒЗИЙЛПФЦШЩЬЯЁЭЪ", "BRDEFENNANOUWWBREEB"),
    **_aligned("βγδεζηθικλμξπρσςτυφχψω", "bydeznoiklmxnpostuoxyw"),
    **_aligned("ΓΔΘΛΞΠΣΦΨΩ", "RAOAENEOYO"),
    **_aligned("ᗩᗷᑕᗪᖴᕼᒍᒪᗰᑎᑭᑫᖇᔕᑌᐯᗯ᙭ᘔ", "ABCDFHJLMNPQRSUVWXZ"),
    **_aligned("ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏁᎾᏢᏒᏚᎢᏌᏙᏔᎩᏃ", "ABCDEGHIJKLMNOPRSTUVWYZ"),
}
_STRICT = str.maketrans(_LIKE_LATIN)
_EXTENDED = str.maketrans(_READ_AS_LATIN)

_BEFORE = regex.compile(f"[{''.join(map(chr, _BEFORE_NFKC))}]")
_AFTER = regex.compile(f"[{''.join(map(chr, _AFTER_NFKC))}]")
_SUSPICIOUS = regex.compile(f"[{''.join(_READ_AS_LATIN)}]")
_OTHER_ALPHABETS = (
    r"\p{Script=Cyrillic}",
    r"\p{Script=Greek}",
    r"\p{Script=Canadian_Aboriginal}",
    r"\p{Script=Cherokee}",
)
_WORD = regex.compile(rf"[\p{{Script=Latin}}{''.join(_OTHER_ALPHABETS)}]++")
_OTHER_LETTER = regex.compile(f"[{''.join(_OTHER_ALPHABETS)}]")
_LATIN = regex.compile("[A-Za-z]")
# Emojis and mentions become Latin words later.
_IN_LATIN = regex.compile(r"[A-Za-z@\u231A-\u2BFF\U0001F000-\U0001FAFF]")
_ALPHABETS = (_LATIN, *map(regex.compile, _OTHER_ALPHABETS))


def may_be_styled(character: str) -> bool:
    """Return whether `unstyled_after_nfkc` may replace a character."""
    return bool(_AFTER.match(character) or _SUSPICIOUS.match(character))


def unstyled_before_nfkc(text: str) -> str:
    """Replace styled letters and digits that NFKC leaves or decomposes into more than is read."""
    return text.translate(_BEFORE_NFKC) if _BEFORE.search(text) else text


def unstyled_after_nfkc(text: str) -> str:
    """Replace small capitals, and letters of other alphabets where a word or a text uses them as Latin ones."""
    if _AFTER.search(text):
        text = text.translate(_AFTER_NFKC)
    return _in_latin(text) if _SUSPICIOUS.search(text) else text


def _in_latin(text: str) -> str:
    if any(_is_styled(word) for word in _WORD.findall(text)):
        text = _WORD.sub(lambda word: _translated_whole(word[0]), text)
    else:
        text = _WORD.sub(lambda word: _translated_whole(word[0]) if _alphabets(word[0]) > 1 else word[0], text)
    strict = text.translate(_STRICT)
    return strict if _IN_LATIN.search(text) and not _OTHER_LETTER.search(strict) else text


def _is_styled(word: str) -> bool:
    """Tell whether a word mixes alphabets as no language does, so that its text is wholly styled."""
    latin, cyrillic, greek, *rare = (bool(script.search(word)) for script in _ALPHABETS)
    mixed = (cyrillic and greek) or (any(rare) and (latin or cyrillic or greek))
    return mixed and _translated_whole(word) is not word


def _alphabets(word: str) -> int:
    return sum(bool(script.search(word)) for script in _ALPHABETS)


def _translated_whole(word: str) -> str:
    """Return a word in Latin letters; the word itself where a letter of it has no Latin one."""
    translated = word.translate(_EXTENDED)
    return word if _OTHER_LETTER.search(translated) else translated
