from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from training.data.tweets import LabelledTweet
from training.near_duplicates import (
    SIMILARITY,
    near_duplicate_groups,
    near_duplicate_pairs,
    without_near_duplicates,
)

TEN_WORDS = "one two three four five six seven eight nine ten"


def tweets_of(*texts: str) -> list[LabelledTweet]:
    return [LabelledTweet(str(number), "neutral", text) for number, text in enumerate(texts)]


def test_one_changed_word_in_ten_is_a_near_duplicate() -> None:
    changed = TEN_WORDS.replace("ten", "eleven")
    assert list(near_duplicate_pairs(tweets_of(TEN_WORDS, changed))) == [(0, 1)]


def test_two_changed_words_in_ten_are_no_near_duplicate() -> None:
    changed = TEN_WORDS.replace("ten", "eleven").replace("nine", "twelve")
    assert not list(near_duplicate_pairs(tweets_of(TEN_WORDS, changed)))


def test_retweets_links_names_case_and_punctuation_do_not_count() -> None:
    assert list(near_duplicate_pairs(tweets_of("Nice car!", "RT @you: NICE car… https://a.example/1"))) == [(0, 1)]


def test_emojis_count_as_words() -> None:
    assert not list(near_duplicate_pairs(tweets_of("nice car 😂", "nice car 😡")))


def test_texts_without_words_are_not_near_duplicates() -> None:
    assert not list(near_duplicate_pairs(tweets_of("https://a.example", "@you", "")))


def test_groups_are_connected_by_pairs() -> None:
    changed = TEN_WORDS.replace("ten", "eleven")
    twice = changed.replace("nine", "twelve")
    groups = near_duplicate_groups(tweets_of(TEN_WORDS, "other words", changed, twice))
    assert [[tweet.id for tweet in group] for group in groups] == [["0", "2", "3"], ["1"]]


def test_near_duplicates_of_another_set_are_removed() -> None:
    tweets, others = tweets_of(TEN_WORDS, "other words", "other words"), tweets_of(TEN_WORDS.upper())
    assert without_near_duplicates(tweets, others) == tweets[1:]


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=8).map(" ".join), max_size=12))
def test_pairs_equal_those_of_comparing_all(texts: list[str]) -> None:
    sets = [set(text.split()) for text in texts]
    expected = {
        (first, second)
        for first, second in combinations(range(len(texts)), 2)
        if sets[first] | sets[second]
        and len(sets[first] & sets[second]) >= SIMILARITY * len(sets[first] | sets[second])
    }
    assert set(near_duplicate_pairs(tweets_of(*texts))) == expected
