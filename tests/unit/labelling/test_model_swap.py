"""The swap of one model for another."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.errors import BundleError, ungrouped
from stream.labelling import model_swap
from stream.labelling.model_swap import ModelSwapper
from stream.labelling.pipeline import LabellingPipeline
from stream.model.classifier import Classifier
from stream.settings import LimitSettings, ModelSettings, load_settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from tests.unit.tiny_bundle import write_bundle
from tests.unit.waiting import until

TWEET = b'{"id":"7","text":"lovely"}'
LOOK_SECONDS = 0.01


class Bench:
    """A running model swapper, and the name of the model that labels."""

    def __init__(self, swapper: ModelSwapper, labelling: LabellingPipeline, metrics: Metrics) -> None:
        self.swapper = swapper
        self.labelling = labelling
        self._metrics = metrics

    def request(self, path: Path, **settings: Any) -> None:
        self.swapper.request(ModelSettings(path=path, interpreters=1, **settings))

    async def swaps(self, number: int, result: str = "swapped") -> None:
        """Wait until so many swaps have had this result."""
        await until(lambda: self.count(result) >= number)

    def count(self, result: str) -> float:
        return self._metrics.registry.get_sample_value("starling_model_swaps_total", {"result": result}) or 0.0

    async def labelled_by(self) -> str:
        label = orjson.loads(await self.labelling.label(self.labelling.read(TWEET), 0.0))
        return str(label["model"]["name"])


@asynccontextmanager
async def running(path: Path, **settings: Any) -> AsyncIterator[Bench]:
    metrics = Metrics()
    labelling = LabellingPipeline(LimitSettings(), metrics)
    model = {"path": path, "interpreters": 1, **settings}
    swapper = ModelSwapper(load_settings(overrides={"model": model}), labelling, metrics, Health(60))
    async with swapper.running():
        yield Bench(swapper, labelling, metrics)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "old", {"name": "old"})


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "new", {"name": "new"})


async def test_the_model_of_the_settings_labels_first(old: Path) -> None:
    async with running(old) as bench:
        assert await bench.labelled_by() == "old"


async def test_another_model_takes_over_when_it_is_wanted(old: Path, new: Path) -> None:
    async with running(old) as bench:
        bench.request(new)
        await bench.swaps(1)
        assert await bench.labelled_by() == "new"


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What inferences wait for."""
    event, classify = threading.Event(), Classifier.probabilities

    def held(self: Classifier, batch: Sequence[Sequence[int]]) -> Any:
        event.wait()
        return classify(self, batch)

    monkeypatch.setattr(Classifier, "probabilities", held)
    yield event
    event.set()


async def test_a_tweet_that_the_old_model_is_at_work_on_is_labelled_by_it(
    old: Path, new: Path, go: threading.Event
) -> None:
    async with running(old) as bench:
        answer = asyncio.create_task(bench.labelling.label(bench.labelling.read(TWEET), 0.0))
        await asyncio.sleep(0)
        bench.request(new)
        await bench.swaps(1)
        assert not answer.done()
        go.set()
        assert orjson.loads(await answer)["model"]["name"] == "old"
        assert await bench.labelled_by() == "new"


async def test_a_model_that_cannot_be_used_is_refused_and_the_old_one_stays(
    old: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(old) as bench:
        bench.request(tmp_path / "gone")
        await bench.swaps(1, "refused")
        assert await bench.labelled_by() == "old"
        assert bench.count("swapped") == 0
    assert f"the old model stays: no model bundle at {tmp_path / 'gone'}" in caplog.text


async def test_a_good_model_after_a_refused_one_is_taken(old: Path, new: Path, tmp_path: Path) -> None:
    async with running(old) as bench:
        bench.request(tmp_path / "gone")
        bench.request(new)
        await bench.swaps(1)
        assert await bench.labelled_by() == "new"


async def test_a_new_model_has_the_batches_of_its_own_settings(old: Path, new: Path) -> None:
    async with running(old, max_batch=16) as bench:
        bench.request(new, max_batch=3)
        await bench.swaps(1)
        assert bench.labelling.engine.batcher._queue._max_batch == 3


async def test_a_link_that_leads_elsewhere_is_another_model(
    old: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_swap, "_LOOK_SECONDS", LOOK_SECONDS)
    link = tmp_path / "link"
    link.symlink_to(old)
    async with running(link) as bench:
        relink(link, new)
        await bench.swaps(1)
        assert await bench.labelled_by() == "new"


async def test_a_link_that_leads_nowhere_is_refused_once(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_swap, "_LOOK_SECONDS", LOOK_SECONDS)
    link = tmp_path / "link"
    link.symlink_to(old)
    async with running(link) as bench:
        relink(link, tmp_path / "gone")
        await bench.swaps(1, "refused")
        relink(link, old)
        await bench.swaps(1)
        assert bench.count("refused") == 1


async def test_a_model_that_was_wanted_under_another_path_is_loaded_once(
    old: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_swap, "_LOOK_SECONDS", LOOK_SECONDS)
    link = tmp_path / "link"
    link.symlink_to(new)
    async with running(old) as bench:
        bench.request(link)
        await bench.swaps(1)
        relink(link, old)  # by the time that this has been seen, the path has been looked at
        await until(lambda: bench.labelling.engine.model.bundle.manifest.name == "old")
        await bench.swaps(2)
        assert bench.count("swapped") == 2


def relink(link: Path, target: Path) -> None:
    """Turn a link in one step, as a deployment does."""
    fresh = link.with_name("fresh")
    fresh.symlink_to(target)
    fresh.rename(link)


async def test_a_first_model_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model bundle at"), ungrouped():
        async with running(tmp_path / "gone"):
            pass
