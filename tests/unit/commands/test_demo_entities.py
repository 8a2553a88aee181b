"""The entities of the demo, and its samples about them."""

from pathlib import Path

import pytest

from stream.commands.demo import demo
from stream.commands.demo.demo import default_model, sample_tweets, samples_for
from stream.commands.demo.entities import ENTITIES, ENTITY_NAMES
from stream.commands.demo.tally import Tally
from stream.commands.demo.view import summary_table
from stream.mentions import Mentions
from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.rejections import RejectedTweetError


def test_ten_samples_mention_both_entities_and_name_neither() -> None:
    mentions = Mentions({entity.name: entity.all_aliases for entity in ENTITIES})
    both = 0
    for sample in sample_tweets():
        try:
            tweet = decode_tweet(sample, LimitSettings())
        except RejectedTweetError:
            continue
        both += tweet.entity is None and set(mentions.find(tweet.text)) == set(ENTITY_NAMES)
    assert both == 10


def test_the_demo_uses_the_model_that_reads_entities_where_it_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "SHIPPED", tmp_path)
    assert default_model() is None
    (tmp_path / "reputation").mkdir()
    assert default_model() == Path("reputation")


def test_a_model_of_several_languages_gets_samples_in_them_first() -> None:
    several = samples_for(["en", "fr"])
    assert samples_for(["en"]) == samples_for([]) == sample_tweets()
    assert several[-len(sample_tweets()) :] == sample_tweets()
    languages = {decode_tweet(sample, LimitSettings()).lang for sample in several[: -len(sample_tweets())]}
    assert languages == {"ar", "de", "es", "fr", "hi", "it", "pt"}


def test_the_summary_shows_each_entity() -> None:
    rows = list(summary_table(Tally(), None).columns[0].cells)
    assert [f"  {name}" for name in ENTITY_NAMES] == [row for row in rows if str(row).startswith("  ")]
