"""The test set of tweets with two entities: complete, balanced, and out of reach of a model that reads no entity."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream.mentions import Mentions
from stream.model.bundle import SHIPPED
from stream.model.loading import Model, load_model
from stream.settings import ModelSettings

FILE = Path(__file__).parents[2] / "training" / "test_sets" / "two_entities.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def tweets() -> dict[str, list[dict[str, Any]]]:
    rows = defaultdict(list)
    for row in ROWS:
        rows[row["id"]].append(row)
    return rows


def test_there_are_100_tweets_with_two_entities_of_opposite_polarity() -> None:
    assert len(tweets()) == 100
    for rows in tweets().values():
        assert len({row["text"] for row in rows}) == 1
        assert len({row["entity"] for row in rows}) == 2
        assert sorted(row["polarity"] for row in rows) == ["negative", "positive"]
    assert len({row["text"].casefold() for row in ROWS}) == 100


def test_each_entity_is_mentioned_by_its_name() -> None:
    mentions = Mentions({name: [name] for name in {row["entity"] for row in ROWS}})
    for rows in tweets().values():
        assert set(mentions.find(rows[0]["text"])) == {row["entity"] for row in rows}


def test_neither_the_name_nor_the_order_of_the_mentions_tells_the_polarity() -> None:
    counts = Counter((row["entity"], row["polarity"]) for row in ROWS)
    assert set(counts.values()) == {5}
    first: Counter[str] = Counter()
    for rows in tweets().values():
        earlier = min(rows, key=lambda row: row["text"].index(row["entity"]))
        first[earlier["polarity"]] += 1
    assert first == {"positive": 50, "negative": 50}


def right_share(model: Model, *, with_entity: bool = True) -> float:
    labels = model.bundle.manifest.labels
    entities = [row["entity"] if with_entity else None for row in ROWS]
    encoded = model.tokenizer.encode_all([model.clean(row["text"]) for row in ROWS], entities)
    batches = [[tokens.ids for tokens in encoded[first : first + 20]] for first in range(0, len(ROWS), 20)]
    rows = np.concatenate([model.classifiers[0].probabilities(batch) for batch in batches])
    right = sum(labels[int(row.argmax())] == each["polarity"] for row, each in zip(rows, ROWS, strict=True))
    return float(right / len(ROWS))


def test_a_model_that_reads_no_entity_is_right_in_half_of_the_cases_at_most(shipped_model: Model) -> None:
    assert 0.3 < right_share(shipped_model) <= 0.5


def test_the_shipped_model_that_reads_entities_tells_them_apart() -> None:
    model = load_model(ModelSettings(path=SHIPPED / "reputation", interpreters=1))
    assert right_share(model) > 0.75
    assert right_share(model, with_entity=False) <= 0.5


@pytest.mark.parametrize("folder", ["training/soft_labels", "stream/samples"])
def test_no_tweet_is_in_other_data(folder: str) -> None:
    texts = {row["text"] for row in ROWS}
    for file in (FILE.parents[2] / folder).rglob("*.jsonl"):
        content = file.read_bytes().decode("utf-8", "replace")
        assert not any(text in content for text in texts), file
