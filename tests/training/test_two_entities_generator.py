"""Generated tweets about two entities: reproducible, balanced, and unlike the test set."""

import re
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from stream.mentions import Mentions
from stream.tweets.cleaning import Cleaner, cleaner
from training.data.tweets import LabelledTweet
from training.datasets import read_dataset
from training.near_duplicates import near_duplicate_pairs
from training.two_entities.__main__ import main
from training.two_entities.generator import entity_stems, templates, tweets_about_two_entities

TEST_SET = read_dataset([Path(__file__).parents[2] / "training" / "test_sets" / "two_entities.jsonl"]).tweets
GENERATED = tweets_about_two_entities(4000)
_PHRASE_WORDS = 5


def by_id(rows: list[LabelledTweet]) -> list[list[LabelledTweet]]:
    found = defaultdict(list)
    for row in rows:
        found[row.id].append(row)
    return list(found.values())


def phrases(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9']+|[{}]", text.lower())
    found = zip(*(words[start:] for start in range(_PHRASE_WORDS)), strict=False)
    return {phrase for phrase in found if not {"{", "}"} & set(phrase)}


def without_names(text: str, names: list[str]) -> str:
    for name in names:
        text = text.replace(name, "entity")
    return text


@pytest.mark.parametrize("clean", [str, cleaner("words", 2)], ids=["as written", "cleaned"])
def test_no_generated_tweet_is_a_near_duplicate_of_one_in_the_test_set(clean: Cleaner) -> None:
    tests = [rows[0] for rows in by_id(TEST_SET)]
    tweets = [replace(tweet, text=clean(tweet.text)) for tweet in (*tests, *(rows[0] for rows in by_id(GENERATED)))]
    assert not [
        (tweets[first].text, tweets[second].text)
        for first, second in near_duplicate_pairs(tweets)
        if first < len(tests) <= second
    ]


def test_no_template_shares_five_words_in_a_row_with_the_test_set() -> None:
    known: set[tuple[str, ...]] = set()
    for rows in by_id(TEST_SET):
        known |= phrases(without_names(rows[0].text, [row.entity or "" for row in rows]))
    named = [re.sub(r"\{[xygb](_tag)?\}", "entity", template) for template in templates()]
    assert not [template for template in named if phrases(template) & known]


def test_no_name_is_in_the_test_set() -> None:
    known = {word.casefold() for row in TEST_SET for word in (row.entity or "").split()}
    assert not known & {stem.casefold() for stem in entity_stems()}
    assert len(set(entity_stems())) == len(entity_stems()) > 1000


def test_each_tweet_is_there_once_for_each_of_two_entities() -> None:
    tweets = by_id(GENERATED)
    assert len(tweets) == 4000
    assert len({rows[0].text.casefold() for rows in tweets}) == 4000
    for rows in tweets:
        assert len(rows) == 2
        assert rows[0].text == rows[1].text
        assert rows[0].entity != rows[1].entity


def test_both_entities_are_mentioned() -> None:
    for rows in by_id(GENERATED)[:500]:
        names = [row.entity or "" for row in rows]
        # A name may be shortened to its first word, or be a handle or hashtag without spaces.
        mentions = Mentions({name: [name, name.split()[0], " ".join(name.split()[:2])] for name in names})
        assert set(mentions.find(rows[0].text)) == set(names), rows[0].text


def test_neither_the_order_nor_the_rest_of_the_tweet_gives_the_polarity_away() -> None:
    pairs = Counter((rows[0].polarity, rows[1].polarity) for rows in by_id(GENERATED))
    opposite = pairs["positive", "negative"], pairs["negative", "positive"]
    assert sum(opposite) > 0.55 * 4000
    assert abs(opposite[0] - opposite[1]) < 0.1 * sum(opposite)
    assert all(pairs[polarity, polarity] > 0.04 * 4000 for polarity in ("positive", "negative", "neutral"))
    assert all(pairs[polarity, "neutral"] > 0.02 * 4000 for polarity in ("positive", "negative"))


def test_the_polarity_is_that_of_the_slot() -> None:
    fixed = {"could learn a thing or two from": ("negative", "positive"), "is miles ahead of": ("positive", "negative")}
    for phrase, polarities in fixed.items():
        tweets = [rows for rows in by_id(GENERATED) if phrase in rows[0].text]
        assert len(tweets) > 1
        for rows in tweets:
            before = rows[0].text.partition(phrase)[0].casefold()
            subject = [row for row in rows if (row.entity or "").casefold().split()[0] in before]
            assert [row.polarity for row in subject] == [polarities[0]], rows


def test_the_same_seed_makes_the_same_tweets() -> None:
    assert tweets_about_two_entities(4000) == GENERATED
    assert tweets_about_two_entities(50, seed=1) != tweets_about_two_entities(50, seed=2)


def test_no_slot_of_a_template_is_left() -> None:
    assert not [row for row in GENERATED if re.search(r"[{}\t]|\bPART\b|\bPREDICATE\b", row.text)]


def test_the_command_writes_tweets_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "two.jsonl.gz"
    monkeypatch.setattr("sys.argv", ["two_entities", str(out), "--tweets", "30", "--seed", "3"])
    main()
    assert read_dataset([out]).tweets == tweets_about_two_entities(30, seed=3)
