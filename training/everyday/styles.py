"""Styled letters, as generators of such texts write them."""

import string
from collections.abc import Callable, Sequence

Style = Callable[[str], str]


def _row(small: int, capital: int) -> Style:
    table = {ord(letter): small + number for number, letter in enumerate(string.ascii_lowercase)}
    table |= {ord(letter): capital + number for number, letter in enumerate(string.ascii_uppercase)}
    return lambda text: text.translate(table)


def _letters(styled: str) -> Style:
    table = str.maketrans(string.ascii_lowercase, styled)
    return lambda text: text.lower().translate(table)


def _with(mark: str) -> Style:
    return lambda text: "".join(character + mark if character.isalpha() else character for character in text)


STYLES: Sequence[Style] = (
    *(_row(first + 26, first) for first in (0x1D400, 0x1D468, 0x1D4D0, 0x1D56C, 0x1D5A0, 0x1D5D4, 0x1D608, 0x1D670)),
    _row(0xFF41, 0xFF21),  # full width
    _row(0x24D0, 0x24B6),  # circles
    _row(0x1F130, 0x1F130),  # squares
    _row(0x1F170, 0x1F170),
    _letters("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡxʏᴢ"),
    _letters("αвcdєfgнιjкlмησρqяѕтυνωχуz"),
    _with("\u0336"),  # struck through
    _with("\u200b"),  # invisible spaces
)
