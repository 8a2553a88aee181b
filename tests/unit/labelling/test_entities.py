"""Labels about entities: those that a tweet names, and those that the settings list and it mentions."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from stream.labelling.batcher import Batcher
from stream.labelling.engine import Engine
from stream.labelling.pipeline import LabellingPipeline, MadeLabel, Outcome
from stream.model.classifier import Classifier
from stream.model.loading import Model
from stream.settings import DecisionSettings, EntitySettings, LimitSettings
from stream.telemetry.metrics import Metrics
from stream.tweets.labels import LabelEncoder
from stream.tweets.rejections import Reason, RejectedTweetError

ACME = EntitySettings(name="Acme", aliases=["@acme_help"], topic="reputation/acme")
GLOBEX = EntitySettings(name="Globex")


class Bench:
    """A pipeline that counts its inferences."""

    def __init__(self, labelling: LabellingPipeline, metrics: Metrics) -> None:
        self.labelling, self.metrics = labelling, metrics
        self.rows: list[Sequence[int]] = []
        """The tweets of all inferences."""

    async def outcomes(self, text: str, **fields: Any) -> tuple[Outcome, ...]:
        message = orjson.dumps({"id": "7", "text": text} | fields)
        return await self.labelling.label(self.labelling.read(message), 0.0)

    async def labels(self, text: str, **fields: Any) -> list[dict[str, Any]]:
        outcomes = await self.outcomes(text, **fields)
        return [orjson.loads(outcome.payload) for outcome in outcomes if isinstance(outcome, MadeLabel)]

    async def polarities(self, text: str, **fields: Any) -> dict[str | None, str]:
        return {label.get("entity"): label["polarity"] for label in await self.labels(text, **fields)}

    def value(self, sample: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(sample, labels)

    def counted(self, entity: str) -> dict[str, float | None]:
        return {
            polarity: self.value("starling_entity_labels_total", entity=entity, polarity=polarity)
            for polarity in ("negative", "neutral", "positive")
        }


@asynccontextmanager
async def running(
    model: Model,
    monkeypatch: pytest.MonkeyPatch,
    entities: Sequence[EntitySettings] = (ACME, GLOBEX),
    decision: DecisionSettings | None = None,
    repeats: int = 0,
) -> AsyncIterator[Bench]:
    metrics = Metrics()
    limits = LimitSettings(entities_per_tweet=2)
    async with Batcher(model.classifiers, 16, metrics) as batcher:
        bench = Bench(LabellingPipeline(limits, metrics), metrics)
        encoder = LabelEncoder("pi-1", model.bundle.identity)
        bench.labelling.use(Engine(model, batcher, encoder, repeats, metrics, decision=decision))
        bench.labelling.entities.use(entities)
        probabilities = Classifier.probabilities

        def counted(self: Classifier, batch: Sequence[Sequence[int]]) -> Any:
            bench.rows.extend(batch)
            return probabilities(self, batch)

        monkeypatch.setattr(Classifier, "probabilities", counted)
        yield bench


@pytest.fixture
async def pairs(pair_model: Model, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A model that reads the entity."""
    async with running(pair_model, monkeypatch) as bench:
        yield bench


@pytest.fixture
async def single(tiny_model: Model, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A model that does not."""
    async with running(tiny_model, monkeypatch) as bench:
        yield bench


async def test_a_tweet_gets_a_label_for_each_listed_entity_that_it_mentions(pairs: Bench) -> None:
    labels = await pairs.labels("Globex train, ACME train")
    assert [(label["id"], label["entity"], label["polarity"]) for label in labels] == [
        ("7", "Globex", "negative"),
        ("7", "Acme", "positive"),
    ]
    assert all(label["entity_used"] for label in labels)
    assert len(pairs.rows) == 2


async def test_a_tweet_that_mentions_none_gets_one_label_and_needs_one_inference(pairs: Bench) -> None:
    assert await pairs.polarities("sad train") == {None: "negative"}
    assert len(pairs.rows) == 1


async def test_without_listed_entities_nothing_is_looked_for(
    pair_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(pair_model, monkeypatch, entities=()) as bench:
        assert await bench.polarities("Acme Globex sad") == {None: "negative"}
    assert len(bench.rows) == 1


async def test_a_tweet_that_names_its_entity_gets_one_label_about_it(pairs: Bench) -> None:
    assert await pairs.polarities("Globex train, Acme train", entity="Acme") == {"Acme": "positive"}
    assert len(pairs.rows) == 1


async def test_an_entity_that_is_not_listed_is_labelled_and_not_counted(pairs: Bench) -> None:
    assert await pairs.polarities("nice", entity="Initech") == {"Initech": "positive"}
    assert pairs.counted("Initech") == {"negative": None, "neutral": None, "positive": None}
    assert pairs.value("starling_tweets_classified_total", polarity="positive") == 1


async def test_labels_are_counted_by_listed_entity_and_polarity_from_zero(pairs: Bench) -> None:
    assert pairs.counted("Acme") == {"negative": 0, "neutral": 0, "positive": 0}
    await pairs.labels("Globex, Acme")
    assert pairs.counted("Acme") == {"negative": 0, "neutral": 0, "positive": 1}
    assert pairs.counted("Globex") == {"negative": 1, "neutral": 0, "positive": 0}


@pytest.mark.parametrize("named", ["ACME", "acme", "@Acme_help"])
async def test_a_named_entity_is_counted_under_the_listed_name_and_copied_as_it_is(pairs: Bench, named: str) -> None:
    (made,) = await pairs.outcomes("train", entity=named)
    assert isinstance(made, MadeLabel)
    assert (made.entity, made.topic) == (named, "reputation/acme")
    assert orjson.loads(made.payload)["entity"] == named
    assert sum(count or 0 for count in pairs.counted("Acme").values()) == 1


async def test_a_label_has_the_topic_of_its_entity(pairs: Bench) -> None:
    outcomes = await pairs.outcomes("Globex, Acme")
    assert [outcome.topic for outcome in outcomes if isinstance(outcome, MadeLabel)] == [None, "reputation/acme"]
    assert pairs.labelling.entities.topics == {"reputation/acme"}


async def test_a_model_that_reads_no_entity_labels_the_tweet_once_and_says_so(single: Bench) -> None:
    labels = await single.labels("lovely Globex, Acme")
    assert [(label["entity"], label["entity_used"], label["polarity"]) for label in labels] == [
        ("Globex", False, "positive"),
        ("Acme", False, "positive"),
    ]
    assert len(single.rows) == 1


async def test_recent_results_are_told_apart_by_entity(pair_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(pair_model, monkeypatch, repeats=10) as bench:
        for _ in range(2):
            for entity, polarity in (("Acme", "positive"), ("Globex", "negative"), (None, "neutral")):
                assert await bench.polarities("train", entity=entity) == {entity: polarity}
    assert len(bench.rows) == 3
    assert bench.value("starling_tweets_repeated_total") == 3


async def test_more_entities_than_the_limit_are_left_out_and_counted(
    pair_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = [ACME, GLOBEX, EntitySettings(name="Initech"), EntitySettings(name="Hooli")]
    async with running(pair_model, monkeypatch, entities=three) as bench:
        assert list(await bench.polarities("Hooli Acme Globex Initech")) == ["Hooli", "Acme"]
    assert bench.value("starling_entities_left_out_total") == 2


async def test_an_unsure_label_is_rejected_alone(pair_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    decision = DecisionSettings(threshold=0.9, below_threshold="reject")
    entities = [ACME, EntitySettings(name="train")]
    async with running(pair_model, monkeypatch, entities, decision) as bench:
        made, rejected = await bench.outcomes("Acme train")
    assert isinstance(made, MadeLabel)
    assert isinstance(rejected, RejectedTweetError)
    assert (rejected.reason, rejected.tweet_id, rejected.entity) == (Reason.UNSURE, "7", "train")
    rejection = orjson.loads(bench.labelling.rejection(rejected, b"", 0.0))
    assert (rejection["id"], rejection["entity"]) == ("7", "train")
    assert bench.counted("train") == {"negative": 0, "neutral": 0, "positive": 0}


async def test_other_entities_may_be_listed_while_tweets_are_labelled(pairs: Bench) -> None:
    await pairs.labels("Acme Globex")
    pairs.labelling.entities.use([GLOBEX, EntitySettings(name="Initech")])
    assert await pairs.polarities("Acme Globex Initech") == {"Globex": "negative", "Initech": "neutral"}
    assert pairs.counted("Acme") == {"negative": None, "neutral": None, "positive": None}
    assert pairs.counted("Globex")["negative"] == 2
    pairs.labelling.entities.use([])
    assert await pairs.polarities("Acme Globex Initech") == {None: "neutral"}
    assert pairs.labelling.entities.topics == set()


async def test_a_name_with_quotes_and_backslashes_is_escaped_in_the_metrics(
    tiny_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = 'The "A\\B" {c="d"} Ünternehmen, 小鸟 🐦'
    async with running(tiny_model, monkeypatch, entities=[EntitySettings(name=name)]) as bench:
        await bench.labels("nice", entity=name)
    families = text_string_to_metric_families(generate_latest(bench.metrics.registry).decode())
    samples = next(family.samples for family in families if family.name == "starling_entity_labels")
    assert {(sample.labels["entity"], sample.labels["polarity"], sample.value) for sample in samples} == {
        (name, "negative", 0),
        (name, "neutral", 0),
        (name, "positive", 1),
    }
