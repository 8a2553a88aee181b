"""Plain words for words that are spelt with digits and signs (`h4te`, `f**k`), lengthened (`sooo`) or spaced (`B A D`).

Digits and signs are read as letters only where the result is one of the words listed here: `mp3s` and `PS5` stay.
"""

from functools import lru_cache
from itertools import chain, pairwise, product, repeat

import regex

_WORDS_LISTED = """
absolutely abysmal adorable again all always amazing angry annoyed annoying another any anyone appalling are asshole
attack awesome awful aww babe baby back bad beautiful because best better beyond big bitch bitches bored boring bout
boy boys brilliant bro broken bullshit busy but bye cant charming cheat cheater check clown come cool crap crappy
crazy creep creepy cringe cruel cry crying cute dad damn day dead dear death delicious depressed depressing destroy
did die disappointed disappointing disaster disgrace disgraceful disgusting dislike does dog dogshit done dont dope
down dreadful dude dumb dumbass early elite enjoy enjoyed epic ever evil excellent excited exciting exhausted fabulous
fail failed failure fake fantastic fascist favorite favourite fear finally fire first food fool forever fraud freak
free friday friend fuck fucked fucker fuckers fucking fun funny furious game garbage genius girl girls glad goal goat
god gone gonna good goodbye gorgeous great greatest greed gross gun guy guys happy hard hate hated hater haters hates
hating have heartbreaking hell hello help her hero hey hilarious him his home honestly hopeless horrible horrid
horrific hurt hurts idiot idiotic idiots ignorant incompetent incredible insane insulting joke just kill killed killer
kind know lame last late laugh lazy leave legend legendary lets liar liars lies like lit literally little live lol
long look lose loser losers lost love loved lovely loves loving mad magnificent man marvelous masterpiece mediocre
mess miserable miss mistake mom moment monday money monster moron morons much murder music nasty nazi need never new
nice night nightmare no nonsense noob not nothing obsessed off offensive okay old omg out outstanding over overrated
pain painful party pathetic people perfect perfection phenomenal please porn powerful pretty proud racist radiant
ready real really regret remarkable ridiculous right rotten rubbish rude ruin ruined ruins sad safe scam scammer
scammers scary school screw see seriously service sex sexist sexy shameful she shit shite shitty sick sickening silly
sis sleep slow smart so some someone soon sorry spectacular splendid stink stinks stop stunning stupid suck sucked
sucker sucks super superb sweet talented terrible terrific terrifying thanks that the their there they this tho though
time tired today tomorrow tonight too toxic tragic trash trashy traumatic true trust ugh ugly unacceptable underrated
unfair unhappy useless very victory vile wait want waste weak weekend weird well what when whole whore why win winner
with woke wonderful work worried worse worst worth worthless wow wrong yeah yes you your yummy
"""
_WORDS = frozenset(_WORDS_LISTED.split())
_SHORT_FORMS = {
    "2day": "today",
    "2moro": "tomorrow",
    "2morrow": "tomorrow",
    "2nite": "tonight",
    "2night": "tonight",
    "4ever": "forever",
    "any1": "anyone",
    "b4": "before",
    "every1": "everyone",
    "gr8": "great",
    "gr8est": "greatest",
    "h8": "hate",
    "h8ed": "hated",
    "h8er": "hater",
    "h8ers": "haters",
    "h8r": "hater",
    "h8s": "hates",
    "l8": "late",
    "l8r": "later",
    "m8": "mate",
    "no1": "no one",
    "some1": "someone",
    "sum1": "someone",
    "w8": "wait",
}
_MASKED_LISTED = (
    "fuck shit bitch damn crap hell fucking fucked fucker shitty bitches bullshit asshole assholes bastard bastards "
    "dick pissed piss cunt whore twat wanker wank motherfucker dumbass horseshit"
)
_MASKED = _MASKED_LISTED.split()
# The letter I before the letter L, for `1`.
_READINGS = (str.maketrans("01345789@$", "oieastbgas"), str.maketrans("01345789@$", "oleastbgas"))
_SHORTEST = 3
_SHORTEST_FORM = min(map(len, _SHORT_FORMS))
_LONGEST = max(map(len, _MASKED + list(_WORDS)))

# Not from an `@` on, which is a mention, and not beside a dot, so that addresses stay.
_DISGUISED = regex.compile(
    r"(?<![\p{L}\p{M}\p{N}@$*]|//|\w[./])(?!@|(?<=\#)[$*])(?=[A-Za-z]*+[0-9@$*])(?=[0-9@$*]*+[A-Za-z])[A-Za-z0-9@$*]++"
    r"(?![\p{L}\p{M}\p{N}]|\.\w)"
)
# Three equal small letters, or four capitals: not `www`, `III` and `AAA`.
_ELONGATION = regex.compile(r"(?!w)(\p{Ll})\1\1++|(?!W)(\p{Lu})\2{3,}+")
_WORD = regex.compile(r"\p{L}++")
_REPEATED_MARK = regex.compile(r"([!?.,~*_=-])\1{3,}+")
_FOUR_MARKS = tuple(4 * mark for mark in "!?.,~*_=-")
_SPACED = regex.compile(
    r"(?<!\S)(?:\p{Latin}(?: \p{Latin}(?![^\s!?])){3,}+|(?=\p{Lu})\p{Latin}(?: (?=\p{Lu})\p{Latin}(?![^\s!?])){2,}+)"
)
_FEWEST_SPACED = 3
_MOST_ELONGATIONS = 4
_MOST_DIGITS = 0.6
"""Share of digits and signs of a word: not `A11`."""


def _kind(code: int) -> int:
    """Return the kind of a byte: `a` for letters, and for `?`, which replaces others; `0` for digits and signs."""
    character = chr(code)
    if not character.isascii():
        return ord(".")
    if character.isalpha() or character == "?":
        return ord("a")
    if character.isdigit() or character in "*$":
        return ord("0")
    return code if character in "@ " else ord(".")


_KINDS = bytes(map(_kind, range(256)))
_LONGEST_KEPT = 40
_MOST_KEPT = 4096


def disguised_in_plain(text: str) -> str:
    """Replace words that are spelt with digits and signs: `h4te` → `hate`, `gr8` → `great`, `sh*t` → `shit`."""
    kinds = text.encode("ascii", "replace").translate(_KINDS)
    if not _mixed(kinds):
        return text
    parts = text.split(" ")
    for place, part_kinds in enumerate(kinds.split(b" ")):
        if not part_kinds.isalpha() and _mixed(part_kinds):
            parts[place] = _plain_part(parts[place])
    return " ".join(parts)


def elongated_in_plain(text: str) -> str:
    """Shorten lengthened words and punctuation: `loooove` → `love`, `goood` → `good`, `!!!!!!` → `!!!`."""
    alike = _three_alike(text)
    if not alike:
        return text
    if any(marks in text for marks in _FOUR_MARKS):
        text = _REPEATED_MARK.sub(r"\1\1\1", text)
    if any(map(str.isalpha, alike)) or not text.isascii():
        text = _WORD.sub(lambda word: _shortened(word[0]), text)
    return text


def spaced_letters_joined(text: str) -> str:
    """Join letters with single spaces between them, at least four or three capitals: `B A D` → `BAD`."""
    lengths = list(map(len, text.split()))
    if lengths.count(1) < _FEWEST_SPACED - 1:  # the last one may be before a `!`
        return text
    if not any(first == second == 1 for first, second in pairwise(lengths)):
        return text
    return _SPACED.sub(lambda letters: _shortened(letters[0].replace(" ", "")), text)


def _three_alike(text: str) -> set[str]:
    """Return the characters that occur three times in a row; several times as fast as a regular expression.

    `?` stands for those that are not ASCII, which count as equal.
    """
    codes = text.encode("ascii", "replace")
    number = int.from_bytes(codes, "little")
    unlike_next = number ^ number >> 8
    unlike_both = (unlike_next | unlike_next >> 8).to_bytes(len(codes), "little")[:-2]
    if b"\0" not in unlike_both:
        return set()
    return {chr(code) for code, unlike in zip(codes, unlike_both, strict=False) if not unlike}


def _mixed(kinds: bytes) -> bool:
    return b"a0" in kinds or b"0a" in kinds or b"a@" in kinds


def _plain_part(part: str) -> str:
    return _plain_short_part(part) if len(part) <= _LONGEST_KEPT else _DISGUISED.sub(_plain, part)


@lru_cache(_MOST_KEPT)
def _plain_short_part(part: str) -> str:
    """Return a part in plain words; kept, because `1st`, `6pm` and the like come again and again."""
    return _DISGUISED.sub(_plain, part)


def _plain(run: regex.Match[str]) -> str:
    word = run[0].strip("*")
    if word.isalpha() or not _SHORTEST_FORM <= len(word) <= _LONGEST:
        return run[0]
    small = word.lower()
    plain = _SHORT_FORMS.get(small if len(word) >= _SHORTEST else word) or _unmasked(small) or _read(small)
    if not plain:
        return run[0]
    return run[0].replace(word, plain.upper() if word.isupper() and len(word) >= _SHORTEST else plain)


def _read(word: str) -> str:
    signs = sum(not character.isalpha() for character in word)
    if len(word) < _SHORTEST or signs > _MOST_DIGITS * len(word):
        return ""
    return next((read for reading in _READINGS if (read := word.translate(reading)) in _WORDS), "")


def _unmasked(word: str) -> str:
    if "*" not in word:
        return ""
    return next((plain for plain in _MASKED if len(plain) == len(word) and _fits(word, plain)), "")


def _fits(masked: str, plain: str) -> bool:
    return all(given in ("*", meant) for given, meant in zip(masked, plain, strict=True))


def _shortened(word: str) -> str:
    """Return a word with each elongation of one or two letters: those of a listed word; else two."""
    elongations = _ELONGATION.findall(word)
    if not elongations:
        return word
    for lengths in product((2, 1), repeat=min(len(elongations), _MOST_ELONGATIONS)):
        if (short := _with_lengths(word, lengths)).lower() in _WORDS:
            return short
    return _with_lengths(word, ())


def _with_lengths(word: str, lengths: tuple[int, ...]) -> str:
    left = chain(lengths, repeat(2))
    return _ELONGATION.sub(lambda letters: letters[0][: next(left)], word)
