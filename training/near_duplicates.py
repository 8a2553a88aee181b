"""Near duplicates: tweets whose texts share nearly all of their words, such as retweets and edited copies.

Two tweets are near duplicates if the Jaccard similarity of their word sets is at least 0.8, which allows one changed
word in ten. Links, user names, punctuation, case and the `RT` of retweets do not count. The search is exact: it
compares only tweets that share a word of their prefix, the rarest words of a tweet (Bayardo, Ma and Srikant, 'Scaling
up all pairs similarity search', WWW 2007).
"""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from stream.tweets.cleaning import placeholders
from training.data.tweets import LabelledTweet

SIMILARITY = 0.8
_WORD = re.compile(r"[^\W_]+")
_IGNORED = frozenset({"http", "user", "rt"})


def near_duplicate_pairs(tweets: Sequence[LabelledTweet]) -> Iterator[tuple[int, int]]:
    """Yield the indices of each pair of near duplicates, the smaller one first."""
    words = [_words(tweet.text) for tweet in tweets]
    tweets_of_word = Counter(word for each in words for word in each)
    rarest_first = [sorted(each, key=lambda word: (tweets_of_word[word], word)) for each in words]
    seen: dict[str, list[int]] = defaultdict(list)
    # From short to long, so that an earlier tweet is never longer and a bound on the length holds.
    for index in sorted(range(len(tweets)), key=lambda index: len(words[index])):
        length = len(words[index])
        prefix = rarest_first[index][: length - math.ceil(SIMILARITY * length) + 1]
        for other in {other for word in prefix for other in seen[word]}:
            if _similar(words[other], words[index]):
                yield min(index, other), max(index, other)
        for word in prefix:
            seen[word].append(index)


def near_duplicate_groups(tweets: Sequence[LabelledTweet]) -> list[list[LabelledTweet]]:
    """Return the groups of tweets that are connected by near duplicates, in the order of their first tweets."""
    parents = list(range(len(tweets)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = index = parents[parents[index]]
        return index

    for first, second in near_duplicate_pairs(tweets):
        low, high = sorted((root(first), root(second)))
        parents[high] = low
    groups: dict[int, list[LabelledTweet]] = defaultdict(list)
    for index, tweet in enumerate(tweets):
        groups[root(index)].append(tweet)
    return list(groups.values())


def without_near_duplicates(tweets: Sequence[LabelledTweet], of: Sequence[LabelledTweet]) -> list[LabelledTweet]:
    """Return the tweets that are not near duplicates of any tweet in `of`."""
    border = len(tweets)
    near = {first for first, second in near_duplicate_pairs([*tweets, *of]) if first < border <= second}
    return [tweet for index, tweet in enumerate(tweets) if index not in near]


def _words(text: str) -> frozenset[str]:
    cleaned = placeholders(text).casefold()
    symbols = (character for character in cleaned if unicodedata.category(character) == "So")  # emojis among others
    return frozenset([*_WORD.findall(cleaned), *symbols]) - _IGNORED


def _similar(shorter: frozenset[str], longer: frozenset[str]) -> bool:
    if len(shorter) < SIMILARITY * len(longer):
        return False
    shared = len(shorter & longer)
    return shared >= SIMILARITY * (len(shorter) + len(longer) - shared)
