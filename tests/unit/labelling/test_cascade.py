"""A cascade in service: its labels, its metrics, and the replacement of either of its models."""

import asyncio
import itertools
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from stream.labelling import model_swap
from stream.model.classifier import Classifier, Probabilities
from tests.unit.labelling.test_model_swap import Bench, running
from tests.unit.tiny_bundle import OPPOSITE_WEIGHTS, write_bundle
from tests.unit.waiting import until

SURE, UNSURE = "lovely", "lovely awful"
THRESHOLD = (0.3, 0.3, 0.3)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_swap, "_SETTLED_SECONDS", -1.0)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "first", {"name": "small"})


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "second", {"name": "large"}, weights=OPPOSITE_WEIGHTS)


async def answering(bench: Bench, text: str) -> str:
    return str((await bench.label(text))["model"]["name"])


def value(bench: Bench, sample: str, **labels: str) -> float:
    return bench.metrics.registry.get_sample_value(sample, labels) or 0.0


def names(bench: Bench, *samples: str) -> list[str]:
    """Return the names of the models that these metrics show."""
    families = bench.metrics.registry.collect()
    return [sample.labels["name"] for family in families for sample in family.samples if sample.name in samples]


def has_loaded(bench: Bench, name: str) -> bool:
    """Return whether one of the two models of a cascade has this name."""
    return name in names(bench, "starling_model_info", "starling_cascade_first_model_info")


async def test_labels_name_the_model_that_answered(first: Path, second: Path) -> None:
    async with running(second, cascade=first, cascade_threshold=THRESHOLD) as bench:
        sure, unsure = await bench.label(SURE), await bench.label(UNSURE)
    assert (sure["polarity"], sure["model"]["name"], unsure["model"]["name"]) == ("positive", "small", "large")
    assert sure["model"]["sha256"] != unsure["model"]["sha256"]


async def test_metrics_count_the_answers_of_both_models(first: Path, second: Path) -> None:
    async with running(second, cascade=first, cascade_threshold=THRESHOLD) as bench:
        before = [value(bench, "starling_cascade_labels_total", model=model) for model in ("first", "second")]
        for text in (SURE, SURE, UNSURE):
            await bench.label(text)
        after = [value(bench, "starling_cascade_labels_total", model=model) for model in ("first", "second")]
        shown = names(bench, "starling_model_info"), names(bench, "starling_cascade_first_model_info")
    assert (before, after) == ([0, 0], [2, 1])
    assert shown == (["large"], ["small"])


async def test_without_a_cascade_no_first_model_is_shown_and_nothing_is_counted(first: Path, second: Path) -> None:
    async with running(second, cascade=first, cascade_threshold=THRESHOLD) as bench:
        bench.request(second)
        await bench.swaps(1)
        await bench.label(SURE)
        assert names(bench, "starling_cascade_first_model_info") == []
        assert value(bench, "starling_cascade_labels_total", model="second") == 0


async def test_a_result_is_remembered_with_the_model_that_answered(first: Path, second: Path) -> None:
    async with running(second, cascade=first, cascade_threshold=THRESHOLD) as bench:
        assert [await answering(bench, text) for text in (SURE, UNSURE, SURE, UNSURE)] == ["small", "large"] * 2
        assert value(bench, "starling_tweets_repeated_total") == 2


async def test_either_model_is_replaced_when_its_link_changes(
    first: Path, second: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_swap, "_LOOK_SECONDS", 0.01)
    links = tmp_path / "link-1", tmp_path / "link-2"
    for link, bundle in zip(links, (first, second), strict=True):
        link.symlink_to(bundle)
    async with running(links[1], cascade=links[0], cascade_threshold=THRESHOLD) as bench:
        for link, name, weights in ((links[0], "small-2", None), (links[1], "large-2", OPPOSITE_WEIGHTS)):
            other = write_bundle(tmp_path / name, {"name": name}, **({"weights": weights} if weights else {}))
            (tmp_path / "new").symlink_to(other)
            (tmp_path / "new").replace(link)
            await until(partial(has_loaded, bench, name))
        assert [await answering(bench, text) for text in (SURE, UNSURE)] == ["small-2", "large-2"]


async def test_a_tweet_that_is_being_passed_on_during_a_swap_is_labelled_by_the_old_second_model(
    first: Path, second: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, calls, probabilities = threading.Event(), itertools.count(1), Classifier.probabilities
    passing_on = threading.Event()

    def slow_second(self: Classifier, batch: Sequence[Sequence[int]]) -> Probabilities:
        if next(calls) == 2:  # the first call is that of the first model
            passing_on.set()
            go.wait()
        return probabilities(self, batch)

    monkeypatch.setattr(Classifier, "probabilities", slow_second)
    async with running(second, cascade=first, cascade_threshold=THRESHOLD) as bench:
        passed_on = asyncio.create_task(bench.label(UNSURE))
        await asyncio.to_thread(passing_on.wait)
        bench.request(write_bundle(tmp_path / "new", {"name": "new"}))
        await bench.swaps(1)
        assert await answering(bench, UNSURE) == "new"
        go.set()
        assert (await passed_on)["model"]["name"] == "large"


async def test_a_cascade_that_cannot_be_loaded_leaves_the_old_model(first: Path, second: Path, tmp_path: Path) -> None:
    async with running(second, cascade=first, cascade_threshold=THRESHOLD) as bench:
        bench.request(second, cascade=tmp_path / "none", cascade_threshold=THRESHOLD)
        await bench.swaps(1, "refused")
        bench.request(
            second, cascade=write_bundle(tmp_path / "same", weights=OPPOSITE_WEIGHTS), cascade_threshold=THRESHOLD
        )
        await bench.swaps(2, "refused")
        assert [await answering(bench, text) for text in (SURE, UNSURE)] == ["small", "large"]
