from hypothesis import given
from hypothesis import strategies as st

from stream.labelling.recent import RecentResults


def test_a_label_is_found_by_its_tweets_id() -> None:
    recent: RecentResults[str, bytes] = RecentResults(2)
    recent.remember("7", b"label of 7")
    recent.remember("8", b"label of 8")
    assert recent.find("7") == b"label of 7"


def test_an_unknown_key_has_no_value() -> None:
    assert RecentResults[str, bytes](2).find("7") is None


def test_the_oldest_is_forgotten_first() -> None:
    recent: RecentResults[str, bytes] = RecentResults(2)
    for tweet_id in ("7", "8", "9"):
        recent.remember(tweet_id, tweet_id.encode())
    assert [recent.find(tweet_id) for tweet_id in ("7", "8", "9")] == [None, b"8", b"9"]


def test_a_key_that_is_stored_again_is_the_newest() -> None:
    recent: RecentResults[str, bytes] = RecentResults(2)
    for tweet_id in ("7", "8", "7", "9"):
        recent.remember(tweet_id, tweet_id.encode())
    assert [recent.find(tweet_id) for tweet_id in ("7", "8", "9")] == [b"7", None, b"9"]


def test_the_later_of_two_labels_counts() -> None:
    recent: RecentResults[str, bytes] = RecentResults(2)
    recent.remember("7", b"old")
    recent.remember("7", b"new")
    assert recent.find("7") == b"new"


@given(st.lists(st.sampled_from("abcdefgh")), st.integers(1, 5))
def test_at_most_the_capacity_is_stored(ids: list[str], capacity: int) -> None:
    recent: RecentResults[str, bytes] = RecentResults(capacity)
    for tweet_id in ids:
        recent.remember(tweet_id, b"")
        assert len(recent) <= capacity
    assert len(recent) == min(capacity, len(set(ids)))
