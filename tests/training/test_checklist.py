import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stream.tweets.cleaning import Cleaner, cleaner
from stream.tweets.polarity import POLARITIES
from tests.unit.tiny_bundle import write_bundle
from training.cli import app
from training.datasets import ReadOptions, read_dataset
from training.evaluation.checklist import ALL_KINDS, KindScore, checklist_tweets
from training.everyday.__main__ import main
from training.everyday.generator import everyday_tweets, kinds
from training.near_duplicates import near_duplicate_pairs

EVERYDAY = everyday_tweets(6800)
CHECKLIST = [tweet for tweets in checklist_tweets().values() for tweet in tweets]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.mark.parametrize("kind", checklist_tweets())
def test_a_kind_has_twenty_tweets_and_no_constant_answer_passes(kind: str) -> None:
    tweets = checklist_tweets()[kind]
    answers = Counter(tweet.polarity for tweet in tweets)
    assert len(tweets) >= 20
    assert set(answers) == set(POLARITIES)
    assert max(answers.values()) < 0.6 * len(tweets)


def test_no_tweet_of_the_checklist_is_there_twice() -> None:
    assert len({tweet.id for tweet in CHECKLIST}) == len({tweet.text for tweet in CHECKLIST}) == len(CHECKLIST)
    assert not list(near_duplicate_pairs(CHECKLIST))


@pytest.mark.parametrize("clean", [str, cleaner("words", 2)], ids=["as written", "cleaned"])
def test_no_generated_tweet_is_a_near_duplicate_of_one_in_the_checklist(clean: Cleaner) -> None:
    tweets = [replace(tweet, text=clean(tweet.text)) for tweet in (*CHECKLIST, *EVERYDAY)]
    border = len(CHECKLIST)
    assert not [
        (tweets[first].text, tweets[second].text)
        for first, second in near_duplicate_pairs(tweets)
        if first < border <= second
    ]


def test_wilsons_interval() -> None:
    # Newcombe (1998), table I, method 3: 81 of 263.
    assert KindScore(81, 263).interval == pytest.approx((0.2553, 0.3662), abs=5e-5)
    low, high = KindScore(0, 20).interval
    assert low == pytest.approx(0)
    assert high == pytest.approx(0.1611, abs=5e-5)


def test_evaluate_shows_the_accuracy_by_kind(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    scores = json.loads(run("evaluate", bundle, "--checklist", "--json").stdout)["checklist"]["bundle"]
    assert list(scores) == [*checklist_tweets(), ALL_KINDS]
    assert scores[ALL_KINDS]["tweets"] == len(CHECKLIST)
    right = sum(score["accuracy"] * score["tweets"] for kind, score in scores.items() if kind != ALL_KINDS)
    assert right == pytest.approx(scores[ALL_KINDS]["accuracy"] * len(CHECKLIST), abs=0.1)
    low, high = scores["slang"]["interval"]
    assert low < scores["slang"]["accuracy"] < high
    table = run("evaluate", bundle, "--checklist", "--markdown").stdout
    assert f"| slang | {scores['slang']['tweets']} | {100 * scores['slang']['accuracy']:.0f} [" in table


def test_evaluate_shows_the_kinds_beside_the_scores_of_other_data(tmp_path: Path) -> None:
    bundle, data = write_bundle(tmp_path / "bundle"), tmp_path / "tweets.csv"
    data.write_text("id,text,label\n1,awful,negative\n2,train,neutral\n3,lovely,positive\n")
    found = json.loads(run("evaluate", bundle, "--data", data, "--checklist", "--json").stdout)
    assert found["bundles"]["bundle"]["accuracy"] == 1
    assert found["checklist"]["bundle"][ALL_KINDS]["tweets"] == len(CHECKLIST)
    assert "checklist" not in json.loads(run("evaluate", bundle, "--data", data, "--json").stdout)


def test_evaluate_without_any_tweets_says_what_to_give(tmp_path: Path) -> None:
    result = run("evaluate", write_bundle(tmp_path / "bundle"))
    assert result.exit_code == 2
    assert "--checklist" in result.output


def test_the_card_shows_the_kinds(tmp_path: Path) -> None:
    bundle, data = write_bundle(tmp_path / "bundle"), tmp_path / "tweets.csv"
    data.write_text("id,text,label\n1,awful,negative\n2,train,neutral\n3,lovely,positive\n")
    assert run("card", bundle, "--data", data).exit_code == 0
    card = (bundle / "README.md").read_text()
    assert "## Everyday tweets" in card
    assert all(f"| {kind} | {len(tweets)} |" in card for kind, tweets in checklist_tweets().items())
    assert f"starling evaluate BUNDLE --data {data.name} --checklist" in card


def test_the_same_seed_makes_the_same_tweets() -> None:
    assert everyday_tweets(6800) == EVERYDAY
    assert everyday_tweets(170, seed=1) != everyday_tweets(170, seed=2)


def test_generated_tweets_are_distinct_and_balanced() -> None:
    assert len({tweet.text.casefold() for tweet in EVERYDAY}) == len(EVERYDAY) == 6800
    answers = Counter(tweet.polarity for tweet in EVERYDAY)
    assert all(0.25 * len(EVERYDAY) < answers[polarity] < 0.4 * len(EVERYDAY) for polarity in POLARITIES)


def test_no_slot_of_a_template_is_left() -> None:
    assert not [tweet for tweet in EVERYDAY if "{" in tweet.text or "}" in tweet.text]


def test_every_kind_of_the_checklist_has_training_data() -> None:
    names = {"sarcasm with its tag": "sarcasm with tag", "sarcasm without its tag": "sarcasm without tag"}
    names |= {"emojis": "emojis alone"}
    assert {names.get(kind.name, kind.name) for kind in kinds()} >= set(checklist_tweets())


def test_the_command_writes_tweets_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "everyday.jsonl.gz"
    monkeypatch.setattr("sys.argv", ["everyday", str(out), "--tweets", "340", "--seed", "3"])
    main()
    read = read_dataset([out], ReadOptions()).tweets
    assert [(tweet.text, tweet.polarity) for tweet in read] == [
        (tweet.text, tweet.polarity) for tweet in everyday_tweets(340, seed=3)
    ]
