"""Tweets made from templates, reproducible by a seed."""

import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stream.tweets.polarity import POLARITIES, Polarity
from training.data.tweets import LabelledTweet
from training.everyday.styles import STYLES

TEMPLATES = Path(__file__).with_name("everyday.toml")
_SLOT = re.compile(r"\{(\w+)\}")
_TRIES = 20
"""Attempts to make a text that is not there yet."""
_SHARES_OF_ENDINGS = {"": 0.6, " {tag}": 0.1, " {emoji}": 0.2, " https://t.co/{code}": 0.1}
_CAPITALISED, _LOWER, _UPPER = 0.5, 0.1, 0.04
"""Shares of texts by case; the others stay as the template is."""
_PUNCTUATED = 0.35
"""Share of texts that get punctuation at the end where they have none."""
_CODE = "abcdefghkmnpqrstuvwxyzABCDEFGHKLMNPQRSTUVWXYZ23456789"
_EMOJIS: Mapping[Polarity, str] = {
    "negative": "emoji_bad",
    "neutral": "emoji_neutral",
    "positive": "emoji_good",
}


@dataclass(frozen=True)
class Kind:
    """A kind of tweets."""

    name: str
    templates: Mapping[Polarity, Sequence[str]]
    styled: bool
    """True if its texts are written in styled letters."""


@cache
def kinds() -> tuple[Kind, ...]:
    """Return the kinds with their templates."""
    return tuple(
        Kind(kind["name"], {polarity: kind.get(polarity, []) for polarity in POLARITIES}, kind.get("styled", False))
        for kind in _content()["kind"]
    )


def everyday_tweets(count: int, seed: int = 0) -> list[LabelledTweet]:
    """Return distinct tweets: equally many of each kind, and of each polarity that the kind has.

    Args:
        count: Number of tweets; fewer where the templates of a kind have no more texts.
        seed: Seed of the choices.
    """
    generator = random.Random(seed)
    texts: set[str] = set()
    tweets: list[LabelledTweet] = []
    for kind in kinds():
        polarities = [polarity for polarity, templates in kind.templates.items() if templates]
        for number in range(count // len(kinds())):
            polarity = polarities[number % len(polarities)]
            text = next((text for text in _texts(generator, kind, polarity) if text.casefold() not in texts), None)
            if text is not None:
                texts.add(text.casefold())
                tweets.append(LabelledTweet(id=f"everyday-{seed}-{len(tweets)}", text=text, polarity=polarity))
    generator.shuffle(tweets)
    return tweets


def _texts(generator: random.Random, kind: Kind, polarity: Polarity) -> Iterator[str]:
    for _ in range(_TRIES):
        text = _filled(generator, generator.choice(kind.templates[polarity]))
        text = _varied(generator, text, polarity) if kind.name != "emojis" else text
        yield generator.choice(STYLES)(text) if kind.styled else text


def _filled(generator: random.Random, template: str) -> str:
    fillers = _content()["fillers"]
    while _SLOT.search(template):
        template = _SLOT.sub(lambda slot: generator.choice(fillers[slot[1]]), template, count=1)
    return template


def _varied(generator: random.Random, text: str, polarity: Polarity) -> str:
    """Vary case and ending of a text as people do."""
    draw = generator.random()
    if draw < _CAPITALISED:
        text = text[0].upper() + text[1:]
    elif draw < _CAPITALISED + _LOWER:
        text = text.lower()
    elif draw < _CAPITALISED + _LOWER + _UPPER:
        text = text.upper()
    if text[-1].isalnum() and generator.random() < _PUNCTUATED:
        text += generator.choice([".", ".", "!", "...", "!!"] if polarity != "neutral" else [".", ".", "...", "!"])
    ending = generator.choices(list(_SHARES_OF_ENDINGS), list(_SHARES_OF_ENDINGS.values()))[0]
    code = "".join(generator.choices(_CODE, k=10))
    return text + _filled(generator, ending.replace("{code}", code).replace("{emoji}", f"{{{_EMOJIS[polarity]}}}"))


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads(TEMPLATES.read_text(encoding="utf-8"))
