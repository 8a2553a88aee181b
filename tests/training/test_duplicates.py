from hypothesis import given
from hypothesis import strategies as st

from stream.tweets.cleaning import placeholders
from stream.tweets.polarity import POLARITIES, Polarity
from training.data.tweets import LabelledTweet
from training.duplicates import conflicts, distinct, exclude, groups


def tweet(tweet_id: str, text: str, polarity: Polarity = "neutral") -> LabelledTweet:
    return LabelledTweet(tweet_id, polarity, text)


TWEETS = st.lists(
    st.builds(
        tweet, st.sampled_from("12345"), st.sampled_from(["a", "A", "b", "@x b", "@y b"]), st.sampled_from(POLARITIES)
    )
)


def test_first_row_of_an_id_is_kept() -> None:
    assert distinct([tweet("1", "Cake"), tweet("1", "Cake!"), tweet("2", "Tea")]) == [
        tweet("1", "Cake"),
        tweet("2", "Tea"),
    ]


def test_texts_equal_after_cleaning_are_duplicates() -> None:
    rows = [tweet("1", "Cake from @ann https://a.io"), tweet("2", "CAKE  from @bob https://b.io/2")]
    assert distinct(rows) == rows[:1]
    assert distinct(rows, by_text=False) == rows


def test_most_frequent_label_is_kept() -> None:
    rows = [tweet("1", "Cake", "neutral"), tweet("1", "Cake", "positive"), tweet("2", "cake", "positive")]
    assert distinct(rows) == [tweet("1", "Cake", "positive")]


def test_first_label_is_kept_in_a_tie() -> None:
    assert distinct([tweet("1", "Cake", "negative"), tweet("1", "Cake", "positive")]) == [
        tweet("1", "Cake", "negative")
    ]


def test_groups_with_several_labels_are_conflicts() -> None:
    same, other = [tweet("1", "Cake"), tweet("1", "Cake")], [tweet("2", "Tea"), tweet("2", "Tea", "positive")]
    assert conflicts(groups([*same, *other])) == [other]


def test_held_out_tweets_are_removed_by_id_and_by_text() -> None:
    rows = [tweet("1", "Cake"), tweet("2", "Tea"), tweet("3", "Rain")]
    assert exclude(rows, [tweet("1", "Something else"), tweet("9", "TEA")]) == [tweet("3", "Rain")]


def test_same_tweet_under_two_entities_is_kept_twice() -> None:
    rows = [LabelledTweet("1", "positive", "A beats B", "A"), LabelledTweet("1", "negative", "A beats B", "B")]
    assert distinct(rows) == rows
    assert conflicts(groups(rows)) == []


def test_held_out_tweet_is_removed_under_any_entity() -> None:
    assert (
        exclude([LabelledTweet("1", "positive", "A beats B", "A")], [LabelledTweet("1", "negative", "A beats B", "B")])
        == []
    )


def test_texts_that_are_empty_after_cleaning_are_not_duplicates() -> None:
    assert len(distinct([tweet("1", " "), tweet("2", "")])) == 2


@given(TWEETS)
def test_kept_tweets_have_distinct_ids_and_texts(rows: list[LabelledTweet]) -> None:
    kept = distinct(rows)
    assert len({each.id for each in kept}) == len(kept)
    assert len({placeholders(each.text).casefold() for each in kept}) == len(kept)


@given(TWEETS)
def test_each_row_is_in_exactly_one_group(rows: list[LabelledTweet]) -> None:
    assert sorted(map(repr, [each for group in groups(rows) for each in group])) == sorted(map(repr, rows))
