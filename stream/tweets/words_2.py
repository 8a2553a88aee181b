"""The cleaning `words`, version 2, which keeps the words of a text however they are written."""

import unicodedata
from functools import cache

import regex

from stream.tweets.disguised_words import disguised_in_plain, elongated_in_plain, spaced_letters_joined
from stream.tweets.plain_text import plain_text
from stream.tweets.styled_letters import unstyled_after_nfkc
from stream.tweets.words import PRINTING_WORDS, hashtags_in_words

_URL = regex.compile(
    r"""
    (?: # A shortened URL has only letters and digits, so everything else is text of the tweet.
        (?:https?://|(?<![\w@])) (?:t\.co|pic\.(?:twitter|x)\.com) / (?:(?!https?://)[a-z0-9])++
        # A comma, a bracket that the URL does not open and so on end other URLs, and a dot only before a space.
        | (?:https?:// | (?<![\w@])www\.) [a-z0-9] (?:(?!https?://) (?:
            [a-z0-9/=&_+%\#$@~-] | [.:?*](?=[a-z0-9/=&_+%\#$@~-]) | [,;](?=[0-9]) | \([a-z0-9/=&_+%\#$@~.,-]*+\)
        ))*+
    )
    # Punctuation between the URL and a word.
    (?:([^\w\s@\#/]++)(?=\p{L}))?
    """,
    regex.IGNORECASE | regex.VERBOSE,
)
_DOMAIN = r"(?:[a-z0-9-]++\.)++[a-z]{2,}+"
_LAST_LABEL = r"(?:social|com|org|net|dev|io|app)(?![\w-]|\.\w)"
_MENTION = regex.compile(
    # Not in a mail address. What follows the Latin letters, digits and underscores of a handle is text of the tweet.
    rf"(?:(?<!\w)@|(?<=\w)@(?!{_DOMAIN}))[\p{{Latin}}0-9_]++"
    # The domain of a person on Mastodon or Bluesky.
    rf"(?:(?:\.(?!{_LAST_LABEL})[a-z0-9-]++)*+\.{_LAST_LABEL})?+(?:@{_DOMAIN})*+",
    regex.IGNORECASE,
)
_WORD_CHARACTER = regex.compile(r"\w")

# Pictures, for instance faces; not arrows and box drawings.
_EMOJIS = regex.compile(
    r"([\u231A-\u23FF\u2600-\u27BF\u2B1B-\u2B55\U0001F000-\U0001F0FF\U0001F300-\U0001FAFF])[\U0001F3FB-\U0001F3FF]*+"
    r"(?:\1[\U0001F3FB-\U0001F3FF]*+)*+"
)
# Names never change, but Python 3.11 knows only those of Unicode 14.
_NAMES_AFTER_UNICODE_14 = {
    "\U0001f6d8": "landslide",
    "\U0001f6dc": "wireless",
    "\U0001fa75": "light blue heart",
    "\U0001fa76": "grey heart",
    "\U0001fa77": "pink heart",
    "\U0001fa87": "maracas",
    "\U0001fa88": "flute",
    "\U0001fa89": "harp",
    "\U0001fa8a": "trombone",
    "\U0001fa8e": "treasure chest",
    "\U0001fa8f": "shovel",
    "\U0001faad": "folding hand fan",
    "\U0001faae": "hair pick",
    "\U0001faaf": "khanda",
    "\U0001fabb": "hyacinth",
    "\U0001fabd": "wing",
    "\U0001fabe": "leafless tree",
    "\U0001fabf": "goose",
    "\U0001fac6": "fingerprint",
    "\U0001fac8": "hairy creature",
    "\U0001facd": "orca",
    "\U0001face": "moose",
    "\U0001facf": "donkey",
    "\U0001fada": "ginger root",
    "\U0001fadb": "pea pod",
    "\U0001fadc": "root vegetable",
    "\U0001fadf": "splatter",
    "\U0001fae8": "shaking face",
    "\U0001fae9": "face with bags under eyes",
    "\U0001faea": "distorted face",
    "\U0001faef": "fight cloud",
    "\U0001faf7": "leftwards pushing hand",
    "\U0001faf8": "rightwards pushing hand",
}
_NEWER_THAN_UNICODE_14 = regex.compile(
    r"[\U0001F6D8\U0001F6DC\U0001F774-\U0001F77F\U0001F7D9\U0001FA54-\U0001FA5F\U0001FA75-\U0001FA77\U0001FA87-"
    r"\U0001FA8F\U0001FAAD-\U0001FAAF\U0001FABB-\U0001FABF\U0001FAC6-\U0001FACF\U0001FADA-\U0001FADF\U0001FAE8-"
    r"\U0001FAEF\U0001FAF7-\U0001FAFF]"
)
_NOT = regex.compile(r"#(not)(?!\w)", regex.IGNORECASE)
_SARCASM = regex.compile(r"(?<=[^\w\s/])/s(?![\w/])", regex.IGNORECASE)


def words_2(text: str) -> str:
    """Clean like version 1, and keep the words that a reader reads in spite of how a text is written.

    Text beside a URL or a mention stays. Mail addresses stay. References and styled letters become plain text, and
    disguised words plain words. `#not` becomes `# not`, and `/s` stays a word.
    """
    text = plain_text(text)
    if "  " in text or not text.isprintable():  # words of spaced letters are apart only as long as these spaces are
        text = spaced_letters_joined(text)
    text = elongated_in_plain(text)
    if _may_have_url(text):
        text = " ".join(_URL.sub(_url, part) if _may_have_url(part) else part for part in text.split(" "))
    text = before = disguised_in_plain(text)
    if "#" in text:
        if "#not" in text.lower():
            text = _NOT.sub(r"# \1 ", text)
        text = hashtags_in_words(text)
        if not text.isascii():  # a hashtag's words may be wholly of look-alike letters where the hashtag was not
            text = unstyled_after_nfkc(text)
    if "@" in text:
        text = _MENTION.sub(_mention, text)
    if not text.isascii():
        text = _EMOJIS.sub(lambda emojis: f" {_name(emojis[1])} ", text)
    if "/" in text:
        text = _SARCASM.sub(lambda tag: f" {tag[0]}", text)
    if text != before:
        text = disguised_in_plain(text)
    return spaced_letters_joined(" ".join(text.split()))


def _may_have_url(text: str) -> bool:
    """Return whether a text may have a URL; looking for it takes several times as long."""
    if "://" in text:
        return True
    if "." not in text:
        return False
    text = text.lower()
    return "www." in text or "t.co/" in text or "pic." in text


def _url(url: regex.Match[str]) -> str:
    return f" http {url[1]} " if url[1] else " http "


def _mention(handle: regex.Match[str]) -> str:
    text, end = handle.string, handle.end()
    before = " " if handle.start() and _WORD_CHARACTER.match(text, handle.start() - 1) else ""
    return f"{before}@user{' ' if _WORD_CHARACTER.match(text, end) else ''}"


@cache
def _name(emoji: str) -> str:
    if _NEWER_THAN_UNICODE_14.match(emoji):
        return _NAMES_AFTER_UNICODE_14.get(emoji, emoji)
    name = unicodedata.name(emoji, emoji).lower()
    if name.startswith("emoji modifier"):  # a skin tone without an emoji
        return ""
    words = name.replace("-", " ").split()
    return " ".join(word for word in words if word not in PRINTING_WORDS) or name
