"""Plain words for words that are spelt with digits and signs (`h4te`, `f**k`), lengthened (`sooo`) or spaced (`B A D`).

Digits and signs are read as letters only where the result is one of the words listed here: `mp3s` and `PS5` stay.
"""

import regex

_WORDS_LISTED = """
abysmal absolutely adorable again all always amazing angry annoyed annoying another any anyone appalling are asshole
attack awesome awful bad beautiful because best better bitch bitches bored boring broken brilliant bullshit but cant
charming cheat cheater clown cool crap crappy crazy creep creepy cringe cruel crying cute damn dead death delicious
depressed depressing destroy did die disappointed disappointing disaster disgrace disgraceful disgusting dislike does
dog dogshit done dont dope dreadful dumb dumbass elite enjoy enjoyed epic evil excellent exciting excited exhausted
fabulous fail failed failure fake fantastic fascist favorite favourite fear fire fool fraud free freak friend fuck
fucked fucker fuckers fucking fun funny furious garbage genius glad goat god good goodbye gorgeous great greatest
greed gross gun happy hate hated hater haters hates hating have heartbreaking hell hello help hero hilarious home
hopeless horrible horrific horrid hurt hurts idiot idiotic idiots ignorant incompetent incredible insane insulting
joke just kill killed killer kind know lame laugh leave legend legendary liar liars lies like lit little live lol look
lose loser losers lost love loved lovely loves loving mad magnificent marvelous masterpiece mediocre mess miserable
miss mistake money monster moron morons murder nasty nazi never nice nightmare no nonsense noob not nothing obsessed
offensive outstanding overrated pain painful pathetic people perfect perfection phenomenal please porn powerful pretty
proud racist radiant really regret remarkable ridiculous right rotten rubbish rude ruin ruined ruins sad safe scam
scammer scammers scary screw service sex sexist sexy shameful shit shite shitty sick sickening silly slow smart so
some someone sorry spectacular splendid stink stinks stop stunning stupid suck sucked sucker sucks super superb sweet
talented terrible terrific terrifying thanks that the their there they this tired too toxic tragic trash trashy
traumatic true trust ugly unacceptable underrated unfair unhappy useless very victory vile wait want waste weak weird
well what when whore why win winner with wonderful work worried worse worst worth worthless wow wrong yes yummy
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
_LONGEST = max(map(len, _MASKED + list(_WORDS)))

# Not from an `@` on, which is a mention, and not beside a dot, so that addresses stay.
_DISGUISED = regex.compile(
    r"(?<![\p{L}\p{M}\p{N}@$*]|//|\w[./])(?!@|(?<=\#)[$*])(?=[A-Za-z]*+[0-9@$*])(?=[0-9@$*]*+[A-Za-z])[A-Za-z0-9@$*]++"
    r"(?![\p{L}\p{M}\p{N}]|\.\w)"
)
# Three equal small letters, or four capitals: not `www`, `III` and `AAA`.
_ELONGATION = regex.compile(r"(?!w)(\p{Ll})\1\1++|(?!W)(\p{Lu})\2{3,}+")
_ELONGATED_WORD = regex.compile(r"\p{L}++")
_REPEATED_MARK = regex.compile(r"([!?.,~*_=-])\1{3,}+")
_SPACED = regex.compile(
    r"(?<!\S)(?:\p{Latin}(?: \p{Latin}(?![^\s!?])){3,}+|(?=\p{Lu})\p{Latin}(?: (?=\p{Lu})\p{Latin}(?![^\s!?])){2,}+)"
)


def disguised_in_plain(text: str) -> str:
    """Replace words that are spelt with digits and signs: `h4te` → `hate`, `gr8` → `great`, `sh*t` → `shit`."""
    return _DISGUISED.sub(lambda word: _plain(word[0]), text)


def elongated_in_plain(text: str) -> str:
    """Shorten lengthened words and punctuation: `loooove` → `love`, `goood` → `good`, `!!!!!!` → `!!!`."""
    text = _REPEATED_MARK.sub(r"\1\1\1", text)
    return _ELONGATED_WORD.sub(lambda word: _shortened(word[0]), text) if _ELONGATION.search(text) else text


def spaced_letters_joined(text: str) -> str:
    """Join letters with single spaces between them, at least four or three capitals: `B A D` → `BAD`."""
    return _SPACED.sub(lambda letters: _shortened(letters[0].replace(" ", "")), text)


def _plain(run: str) -> str:
    if len(run) > 2 * _LONGEST:
        return run
    word = run.strip("*")
    small = word.lower()
    plain = _SHORT_FORMS.get(small if len(word) >= _SHORTEST else word) or _unmasked(small)
    if not plain:
        plain = next((read for reading in _READINGS if (read := small.translate(reading)) in _WORDS), "")
    if not plain or (len(word) < _SHORTEST and small not in _SHORT_FORMS):
        return run
    return run.replace(word, plain.upper() if word.isupper() and len(word) >= _SHORTEST else plain)


def _unmasked(word: str) -> str:
    if "*" not in word:
        return ""
    return next((plain for plain in _MASKED if len(plain) == len(word) and _fits(word, plain)), "")


def _fits(masked: str, plain: str) -> bool:
    return all(given in ("*", meant) for given, meant in zip(masked, plain, strict=True))


def _shortened(word: str) -> str:
    twice = _ELONGATION.sub(lambda letters: letters[0][:2], word)
    if twice == word or twice.lower() in _WORDS:
        return twice
    once = _ELONGATION.sub(lambda letters: letters[0][0], word)
    return once if once.lower() in _WORDS else twice
