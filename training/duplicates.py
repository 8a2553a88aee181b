"""Tweets that come again, within a set or across sets, and the rules by which one of them stays.

Two rows are the same tweet if they have the same id, or if the service's cleaning makes the same text of both, but for
upper and lower case.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace

from stream.tweets.cleaning import placeholders
from training.data.tweets import LabelledTweet

Group = list[LabelledTweet]


def groups(tweets: Iterable[LabelledTweet], *, by_text: bool = True) -> list[Group]:
    """Put the rows of each tweet together, in the order of their first ones.

    Args:
        tweets: Any.
        by_text: Whether the same text is the same tweet; otherwise only the same id is.
    """
    found: list[Group] = []
    group_of: dict[Hashable, Group] = {}
    for tweet in tweets:
        keys = list(_keys(tweet, by_text=by_text))
        group = next((group_of[key] for key in keys if key in group_of), None)
        if group is None:
            found.append(group := [])
        group.append(tweet)
        for key in keys:
            group_of.setdefault(key, group)
    return found


def distinct(tweets: Iterable[LabelledTweet], *, by_text: bool = True) -> list[LabelledTweet]:
    """Keep the first row of each tweet, with the label that most of its rows have; where they tie, the first's."""
    return [_one(group) for group in groups(tweets, by_text=by_text)]


def without(tweets: Iterable[LabelledTweet], held_out: Iterable[LabelledTweet]) -> list[LabelledTweet]:
    """Drop the tweets that are held out as well, by id or by text: a model must not be taught what it is asked."""
    taken = {key for tweet in held_out for key in _keys(tweet, by_text=True)}
    return [tweet for tweet in tweets if taken.isdisjoint(_keys(tweet, by_text=True))]


def conflicts(found: Sequence[Group]) -> list[Group]:
    """The groups whose rows have different labels."""
    return [group for group in found if len({tweet.polarity for tweet in group}) > 1]


def _one(group: Group) -> LabelledTweet:
    votes = Counter(tweet.polarity for tweet in group)  # its most common are in the order of their first ones
    return replace(group[0], polarity=votes.most_common(1)[0][0])


def _keys(tweet: LabelledTweet, *, by_text: bool) -> Iterator[Hashable]:
    yield "id", tweet.id
    if by_text and (text := placeholders(tweet.text).casefold()):
        yield "text", text
