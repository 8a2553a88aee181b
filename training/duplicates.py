"""Duplicates within a set of tweets and between sets, and the rules by which one row of them is kept.

Two rows are duplicates if they refer to the same entity and have the same id, or equal texts after cleaning, in upper
or lower case. The same tweet under two entities is not a duplicate, because it may have a polarity towards each.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

from stream.tweets.cleaning import placeholders
from training.data.tweets import LabelledTweet

Group = list[LabelledTweet]


def groups(tweets: Iterable[LabelledTweet], *, by_text: bool = True) -> list[Group]:
    """Group duplicates, in the order of their first rows.

    Args:
        tweets: Any tweets.
        by_text: Whether rows with equal texts are duplicates; otherwise only rows with equal ids are.
    """
    found: list[Group] = []
    group_of: dict[Hashable, Group] = {}
    for tweet in tweets:
        keys = [(tweet.entity, key) for key in content_keys(tweet, by_text=by_text)]
        group = next((group_of[key] for key in keys if key in group_of), None)
        if group is None:
            found.append(group := [])
        group.append(tweet)
        for key in keys:
            group_of.setdefault(key, group)
    return found


def distinct(tweets: Iterable[LabelledTweet], *, by_text: bool = True) -> list[LabelledTweet]:
    """Keep the first row of each tweet, with the most frequent label of its rows; in a tie, the first one."""
    return [_one(group) for group in groups(tweets, by_text=by_text)]


def exclude(tweets: Iterable[LabelledTweet], held_out: Iterable[LabelledTweet]) -> list[LabelledTweet]:
    """Remove tweets that are held out, by id or by text, also if they refer to another entity there."""
    taken = {key for tweet in held_out for key in content_keys(tweet)}
    return [tweet for tweet in tweets if taken.isdisjoint(content_keys(tweet))]


def conflicts(found: Sequence[Group]) -> list[Group]:
    """Return the groups whose rows have different labels."""
    return [group for group in found if len({tweet.polarity for tweet in group}) > 1]


def content_keys(tweet: LabelledTweet, *, by_text: bool = True) -> Iterator[Hashable]:
    """Yield the keys that a tweet shares with its duplicates of any entity: its id and its cleaned text."""
    yield "id", tweet.id
    if by_text and (text := placeholders(tweet.text).casefold()):
        yield "text", text


def _one(group: Group) -> LabelledTweet:
    votes = Counter(tweet.polarity for tweet in group)  # equal counts are in the order of the first rows
    return replace(group[0], polarity=votes.most_common(1)[0][0])
