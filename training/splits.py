"""Division of labelled tweets with entities into a training and a dev set, by time or by entity.

RepLab's test tweets are later than its training tweets of the same entities, so a random dev set is easier than the
test set. The split by time takes the latest tweets of each entity as the dev set. The split by entity takes all tweets
of some entities, which shows whether a model works for entities that it was not trained on.
"""

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stream.errors import InputError
from training.data.tweets import LabelledTweet
from training.duplicates import exclude
from training.near_duplicates import without_near_duplicates

DEV_SHARE = 0.15
_SNOWFLAKE_EPOCH_MILLISECONDS = 1_288_834_974_657
_SNOWFLAKE_TIME_BITS_FROM = 22
_FIRST_SNOWFLAKE_ID = 29_700_859_247
"""Ids from November 2010 on contain the time of publication."""


@dataclass(frozen=True)
class Split:
    """A training and a dev set that share no tweets and no near duplicates."""

    train: list[LabelledTweet]
    dev: list[LabelledTweet]
    removed: int
    """Training tweets removed because they were duplicates or near duplicates of dev tweets."""


def split_by_time(tweets: Iterable[LabelledTweet], dev_share: float = DEV_SHARE) -> Split:
    """Take the latest tweets of each entity as the dev set.

    Raises:
        InputError: A tweet has no entity, or its time is not known.
    """
    train, dev = [], []
    for own in _by_entity(tweets).values():
        ordered = sorted(own, key=lambda tweet: (published_seconds(tweet), tweet.id))
        border = len(ordered) - round(dev_share * len(ordered))
        train += ordered[:border]
        dev += ordered[border:]
    return _without_overlap(train, dev)


def split_by_entity(tweets: Iterable[LabelledTweet], seed: int, dev_share: float = DEV_SHARE) -> Split:
    """Take all tweets of randomly drawn entities as the dev set, at least one entity of each domain.

    Raises:
        InputError: A tweet has no entity, or a domain has a single entity.
    """
    by_entity = _by_entity(tweets)
    held_out = _drawn_entities({entity: own[0].domain for entity, own in by_entity.items()}, seed, dev_share)
    train = [tweet for entity, own in by_entity.items() if entity not in held_out for tweet in own]
    dev = [tweet for entity, own in by_entity.items() if entity in held_out for tweet in own]
    return _without_overlap(train, dev)


def published_seconds(tweet: LabelledTweet) -> float:
    """Return the time of publication in seconds since 1970, from the data or from the tweet's id.

    Raises:
        InputError: Neither has it.
    """
    if tweet.timestamp is not None:
        return tweet.timestamp
    if tweet.id.isascii() and tweet.id.isdecimal() and int(tweet.id) >= _FIRST_SNOWFLAKE_ID:
        return ((int(tweet.id) >> _SNOWFLAKE_TIME_BITS_FROM) + _SNOWFLAKE_EPOCH_MILLISECONDS) / 1000
    raise InputError(
        f"the time of tweet {tweet.id} is not known: add a column timestamp with the seconds since 1970, or use ids of "
        "X, which contain the time"
    )


def _by_entity(tweets: Iterable[LabelledTweet]) -> dict[str, list[LabelledTweet]]:
    by_entity: dict[str, list[LabelledTweet]] = defaultdict(list)
    for tweet in tweets:
        if tweet.entity is None:
            raise InputError(f"tweet {tweet.id} has no entity: give the column with --entity-column")
        by_entity[tweet.entity].append(tweet)
    return dict(sorted(by_entity.items()))


def _drawn_entities(domains: Mapping[str, str | None], seed: int, share: float) -> set[str]:
    by_domain: dict[str, list[str]] = defaultdict(list)
    for entity, domain in domains.items():
        by_domain[domain or ""].append(entity)
    drawn: set[str] = set()
    for domain, entities in sorted(by_domain.items()):
        if len(entities) == 1:
            place = f"the domain {domain}" if domain else "the data"
            raise InputError(f"{place} has a single entity, {entities[0]}: at least two are needed")
        count = min(max(1, math.floor(share * len(entities) + 0.5)), len(entities) - 1)
        drawn.update(random.Random(f"{seed} {domain}").sample(entities, count))  # noqa: S311 - no secret
    return drawn


def _without_overlap(train: Sequence[LabelledTweet], dev: list[LabelledTweet]) -> Split:
    kept = without_near_duplicates(exclude(train, dev), dev)
    return Split(kept, dev, removed=len(train) - len(kept))
