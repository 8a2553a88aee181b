import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream.errors import InputError
from training.cli import app
from training.data.tweets import LabelledTweet
from training.datasets import read_dataset
from training.splits import published_seconds, split_by_entity, split_by_time

DOMAINS = {"Acme": "cars", "Bolt": "cars", "Coda": "music", "Duo": "music", "Echo": "music"}


def tweet(entity: str, number: int, text: str | None = None) -> LabelledTweet:
    words = text or f"{entity} {number} {number * 7} {number * 11}"
    return LabelledTweet(f"{entity}{number}", "positive", words, entity, DOMAINS.get(entity), 1_000 + number)


def tweets_of(*entities: str, count: int = 20) -> list[LabelledTweet]:
    return [tweet(entity, number) for number in range(count) for entity in entities]


def test_latest_tweets_of_each_entity_are_the_dev_set() -> None:
    split = split_by_time(reversed(tweets_of("Acme", "Bolt")))
    assert {each.id for each in split.dev} == {"Acme17", "Acme18", "Acme19", "Bolt17", "Bolt18", "Bolt19"}
    assert len(split.train) == 34
    assert split.removed == 0


def test_near_duplicates_of_dev_tweets_are_removed_from_training() -> None:
    text = "one two three four five six seven eight nine"
    early, late = tweet("Bolt", 0, f"{text} ten"), tweet("Acme", 99, f"{text} eleven")
    split = split_by_time([*tweets_of("Acme"), *tweets_of("Bolt")[1:], early, late])
    assert late in split.dev
    assert early not in split.train
    assert split.removed == 1


def test_dev_entities_are_not_in_the_training_set() -> None:
    split = split_by_entity(tweets_of(*DOMAINS), seed=0)
    dev = {each.entity for each in split.dev}
    assert dev.isdisjoint({each.entity for each in split.train})
    assert {DOMAINS[entity or ""] for entity in dev} == {"cars", "music"}
    assert len(dev) == 2


def test_seed_chooses_the_entities() -> None:
    tweets = tweets_of(*DOMAINS, count=2)
    chosen = [frozenset(each.entity for each in split_by_entity(tweets, seed).dev) for seed in range(12)]
    assert chosen[0] == frozenset(each.entity for each in split_by_entity(tweets, seed=0).dev)
    assert len(set(chosen)) > 1


def test_domain_with_one_entity_is_an_error() -> None:
    with pytest.raises(InputError, match="the domain cars has a single entity, Acme"):
        split_by_entity(tweets_of("Acme", "Coda", "Duo"), seed=0)


def test_tweet_without_entity_is_an_error() -> None:
    with pytest.raises(InputError, match="tweet 1 has no entity: give the column with --entity-column"):
        split_by_time([LabelledTweet("1", "positive", "Cake")])


def test_time_is_read_from_the_id_if_there_is_no_timestamp() -> None:
    assert round(published_seconds(LabelledTweet("187281022927384577", "neutral", "Cake"))) == 1_333_486_250
    with pytest.raises(InputError, match=r"the time of tweet data\.csv:1 is not known"):
        published_seconds(LabelledTweet("data.csv:1", "neutral", "Cake"))


def test_command_writes_files_that_are_read_with_entity_and_time(tmp_path: Path) -> None:
    rows = [
        f"{each.id},{each.text},positive,{each.entity},{each.timestamp}" for each in tweets_of("Acme", "Bolt", "Coda")
    ]
    data = tmp_path / "data.csv"
    data.write_text("\n".join(["id,text,label,entity,timestamp", *rows, rows[0]]) + "\n")
    result = CliRunner().invoke(app, ["tweets", "split", str(data), "--out", str(tmp_path / "out"), "--seed", "3"])
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "out" / "split.json").read_text())
    assert (summary["seed"], summary["duplicates"], summary["splits"]["time"]["dev"]) == (3, 1, 9)
    for name in ("time", "entities"):
        train, dev = (read_dataset([tmp_path / "out" / f"{name}-{part}.jsonl.gz"]).tweets for part in ("train", "dev"))
        assert len(train) + len(dev) == 60
        assert {each.entity for each in [*train, *dev]} == {"Acme", "Bolt", "Coda"}
        assert all(each.timestamp for each in [*train, *dev])
    assert f"{name}-train.jsonl.gz" in result.output
