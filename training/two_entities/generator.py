"""Tweets about two entities made from templates, reproducible by a seed."""

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stream.tweets.polarity import Polarity
from training.data.tweets import LabelledTweet

TEMPLATES = Path(__file__).with_name("two_entities.toml")
SHARES: Mapping[tuple[Polarity, Polarity], float] = {
    ("positive", "negative"): 0.32,
    ("negative", "positive"): 0.32,
    ("positive", "positive"): 0.08,
    ("negative", "negative"): 0.08,
    ("neutral", "neutral"): 0.06,
    ("positive", "neutral"): 0.035,
    ("neutral", "positive"): 0.035,
    ("negative", "neutral"): 0.035,
    ("neutral", "negative"): 0.035,
}
"""Shares of the tweets by the polarities towards their entities."""
_COMPARED = 0.4
"""Share of tweets from a template for two entities, where there is one; the others join two sentences."""
_ASPECTS = 0.45
"""Share of the sentences that are about a part of a service or product."""
_SAME_ASPECT = 0.5
"""Share of the pairs of sentences that are about the same part."""
_PART_NAMED_ONCE = 0.25
"""Share of these pairs in which the second sentence does not name the part."""
_PERSON = "person"
"""Suffix of entities that have a forename."""
_ASPECT_FORMS = ("{x} PART PREDICATE", "{x}'s PART PREDICATE", "the PART at {x} PREDICATE", "the {x} PART PREDICATE")
_FORMS_OF_THINGS = (*_ASPECT_FORMS[:2], _ASPECT_FORMS[3])
_MENTIONS = {"name": 0.74, "short": 0.1, "handle": 0.08, "hashtag": 0.08}
_BEGINNINGS = ("so ", "tbh ", "ok, ", "update: ", "lol ", "just saying: ", "fact: ", "ugh, ", "wow, ", "RT @someone: ")
_ENDINGS = (
    "!",
    "!!",
    "...",
    ".",
    ".",
    ".",
    " #fyi",
    " smh",
    " :)",
    " :(",
    " https://t.co/{code}",
    " https://t.co/{code}",
)
_BEGUN, _ENDED, _CAPITALISED, _LOWER, _UPPER = 0.08, 0.4, 0.5, 0.12, 0.03
_CODE = "abcdefghkmnpqrstuvwxyzABCDEFGHKLMNPQRSTUVWXYZ23456789"
_SLOT = re.compile(r"\{(\w+)\}")
_SENTENCE = re.compile(r"(?<=[.!?] )[a-z]")
_TRIES = 20


@dataclass(frozen=True)
class _Entity:
    stem: str
    suffix: str

    @property
    def name(self) -> str:
        return self.stem + self.suffix

    @property
    def tag(self) -> str:
        return self.name.replace(" ", "")

    def mention(self, generator: random.Random) -> str:
        match generator.choices(list(_MENTIONS), list(_MENTIONS.values()))[0]:
            case "short":
                return self.stem
            case "handle":
                return f"@{self.tag}"
            case "hashtag":
                return f"#{self.tag}"
        return self.name


def tweets_about_two_entities(count: int, seed: int = 0) -> list[LabelledTweet]:
    """Return rows of distinct tweets, each tweet once for each of its two entities.

    Args:
        count: Number of tweets, half the number of rows.
        seed: Seed of the choices.
    """
    generator = random.Random(seed)
    pairs = generator.choices(list(SHARES), list(SHARES.values()), k=count)
    texts: set[str] = set()
    rows: list[LabelledTweet] = []
    for polarities in pairs:
        for _ in range(_TRIES):
            first, second, text = _tweet(generator, polarities)
            if text.casefold() not in texts:
                break
        else:
            continue
        texts.add(text.casefold())
        name = f"two-entities-{seed}-{len(texts)}"
        rows += [
            LabelledTweet(id=name, text=text, polarity=polarity, entity=entity.name)
            for entity, polarity in zip((first, second), polarities, strict=True)
        ]
    return rows


def entity_stems() -> list[str]:
    """Return all invented names, without forename or suffix."""
    names = _content()["names"]
    return [start + end for start in names["starts"] for end in names["ends"]]


def templates() -> list[str]:
    """Return all templates for one entity and for two, with their slots."""
    content = _content()
    found = [template for each in content["comparisons"].values() for template in each]
    for domain in content["domain"]:
        found += [*domain["positive"], *domain["negative"], *domain["neutral"]]
        found += [
            f"{aspect['part']} {text}" for aspect in domain["aspects"] for text in (*aspect["good"], *aspect["bad"])
        ]
    return found


def _tweet(generator: random.Random, polarities: tuple[Polarity, Polarity]) -> tuple[_Entity, _Entity, str]:
    domain = generator.choice(_content()["domain"])
    first, second = _entities(generator, domain)
    text = _text(generator, domain, polarities)
    mentions = {"x": first.mention(generator), "y": second.mention(generator)}
    tags = {"x_tag": first.tag, "y_tag": second.tag}
    text = _filled(generator, text, mentions | tags | {"thing": domain["thing"]})
    return first, second, _varied(generator, text)


def _entities(generator: random.Random, domain: Mapping[str, Any]) -> tuple[_Entity, _Entity]:
    names = _content()["names"]
    stems = generator.sample(entity_stems(), 2)
    suffixes = [generator.choice(domain["suffixes"]) for _ in stems]
    if _PERSON in suffixes:
        forenames = generator.sample(names["forenames"], 2)
        return _Entity(f"{forenames[0]} {stems[0]}", ""), _Entity(f"{forenames[1]} {stems[1]}", "")
    return _Entity(stems[0], suffixes[0]), _Entity(stems[1], suffixes[1])


def _text(generator: random.Random, domain: Mapping[str, Any], polarities: tuple[Polarity, Polarity]) -> str:
    """Return a text with the slots {x} and {y}, about which it has the given polarities."""
    comparisons = _content()["comparisons"]
    first, second = polarities
    if generator.random() < _COMPARED and (first == second or "neutral" not in polarities):
        if first == second:
            return str(generator.choice(comparisons[first]))
        good, bad = ("x", "y") if first == "positive" else ("y", "x")
        template = str(generator.choice(comparisons["opposite"]))
        return re.sub(
            r"\{(g|b)(_tag)?\}", lambda slot: f"{{{good if slot[1] == 'g' else bad}{slot[2] or ''}}}", template
        )
    joins = _content()["joins"]["same" if first == second else "opposite"]
    sentences = _sentences(generator, domain, polarities)
    return sentences[0] + str(generator.choice(joins)) + sentences[1].replace("{x}", "{y}")


def _sentences(
    generator: random.Random, domain: Mapping[str, Any], polarities: tuple[Polarity, Polarity]
) -> tuple[str, str]:
    if "neutral" not in polarities and generator.random() < _ASPECTS and generator.random() < _SAME_ASPECT:
        aspect = generator.choice(domain["aspects"])
        form = generator.choice(_forms(domain))
        first, second = (_about_part(generator, form, aspect, polarity) for polarity in polarities)
        if generator.random() < _PART_NAMED_ONCE:  # the part is named once: 'X app works, Y crashes'
            second = "{x} " + second.split("\t")[-1]
        return first.replace("\t", ""), second.replace("\t", "")
    return _sentence(generator, domain, polarities[0]), _sentence(generator, domain, polarities[1])


def _sentence(generator: random.Random, domain: Mapping[str, Any], polarity: Polarity) -> str:
    if polarity != "neutral" and generator.random() < _ASPECTS:
        aspect = generator.choice(domain["aspects"])
        return _about_part(generator, generator.choice(_forms(domain)), aspect, polarity).replace("\t", "")
    return str(generator.choice(domain[polarity]))


def _about_part(generator: random.Random, form: str, aspect: Mapping[str, Any], polarity: Polarity) -> str:
    """Return a sentence about a part; a tab is before its predicate."""
    predicate = generator.choice(aspect["good" if polarity == "positive" else "bad"])
    return form.replace("PART", aspect["part"]).replace("PREDICATE", f"\t{predicate}")


def _forms(domain: Mapping[str, Any]) -> Sequence[str]:
    return _FORMS_OF_THINGS if domain["thing"] in {"artist", "phone", "car", "team"} else _ASPECT_FORMS


def _filled(generator: random.Random, text: str, values: Mapping[str, str]) -> str:
    fillers = _content()["fillers"]
    while _SLOT.search(text):
        text = _SLOT.sub(lambda slot: values.get(slot[1]) or generator.choice(fillers[slot[1]]), text, count=1)
    return text


def _varied(generator: random.Random, text: str) -> str:
    """Vary beginning, case and ending of a text as people do."""
    if generator.random() < _BEGUN:
        text = generator.choice(_BEGINNINGS) + text
    draw = generator.random()
    if draw < _CAPITALISED:
        text = _SENTENCE.sub(lambda letter: letter[0].upper(), text[0].upper() + text[1:])
    elif draw < _CAPITALISED + _LOWER:
        text = text.lower()
    elif draw < _CAPITALISED + _LOWER + _UPPER:
        text = text.upper()
    if generator.random() < _ENDED and text[-1].isalnum():
        text += generator.choice(_ENDINGS).replace("{code}", "".join(generator.choices(_CODE, k=10)))
    return text


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads(TEMPLATES.read_text(encoding="utf-8"))
