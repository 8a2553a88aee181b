"""The swap of one model for another."""

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.errors import BundleError, ungrouped
from stream.labelling import model_swap
from stream.labelling.model_swap import ModelSwapper
from stream.labelling.pipeline import LabellingPipeline
from stream.model.bundle import MODEL_FILE, TOKENIZER_FILE
from stream.model.classifier import Classifier
from stream.model.loading import load_model
from stream.settings import DecisionSettings, LimitSettings, ModelSettings, load_settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from tests.unit.labelling.labels import only_label
from tests.unit.tiny_bundle import write_bundle
from tests.unit.waiting import until

TWEET = b'{"id":"7","text":"lovely"}'
LOOK_SECONDS = 0.01


class Bench:
    """A running model swapper, and the name of the model that labels."""

    def __init__(self, swapper: ModelSwapper, labelling: LabellingPipeline, metrics: Metrics, health: Health) -> None:
        self.swapper = swapper
        self.health = health
        self.labelling = labelling
        self.metrics = metrics

    def request(self, path: Path, decision: DecisionSettings | None = None, **settings: Any) -> None:
        self.swapper.request(ModelSettings(path=path, interpreters=1, **settings), decision)

    async def swaps(self, number: int, result: str = "swapped") -> None:
        """Wait until so many swaps have had this result."""
        await until(lambda: self.count(result) >= number)

    def count(self, result: str) -> float:
        return self.metrics.registry.get_sample_value("starling_model_swaps_total", {"result": result}) or 0.0

    async def label(self, text: str = "lovely") -> dict[str, Any]:
        tweet = orjson.dumps({"id": "7", "text": text})
        label: dict[str, Any] = orjson.loads(await only_label(self.labelling, tweet))
        return label

    async def labelled_by(self) -> str:
        return str((await self.label())["model"]["name"])


@asynccontextmanager
async def running(path: Path, **settings: Any) -> AsyncIterator[Bench]:
    metrics = Metrics()
    labelling = LabellingPipeline(LimitSettings(), metrics)
    model = {"path": path, "interpreters": 1, **settings}
    health = Health(60)
    others = {"node": "pi-1", "labels": {"include_text": True}}
    swapper = ModelSwapper(load_settings(overrides={"model": model, **others}), labelling.use, metrics, health)
    async with swapper.running(await swapper.load(lambda: False)):
        yield Bench(swapper, labelling, metrics, health)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every bundle for one that is not being copied."""
    monkeypatch.setattr(model_swap, "_SETTLED_SECONDS", -1.0)
    monkeypatch.setattr(model_swap, "_RETRY_SECONDS", 0.01)


@pytest.fixture
def unsettled(monkeypatch: pytest.MonkeyPatch, settled: None) -> None:  # noqa: ARG001  (it is undone)
    """Take every bundle for one that may be being copied."""
    monkeypatch.setattr(model_swap, "_SETTLED_SECONDS", 3600.0)


def begin_copy(source: Path, target: Path) -> None:
    """Write a bundle without the second half of its model."""
    shutil.copytree(source, target)
    os.truncate(target / MODEL_FILE, (target / MODEL_FILE).stat().st_size // 2)


def end_copy(source: Path, target: Path) -> None:
    shutil.copyfile(source / MODEL_FILE, target / MODEL_FILE)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "old", {"name": "old"})


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "new", {"name": "new"})


async def test_the_model_of_the_settings_labels_first(old: Path) -> None:
    sha256 = orjson.loads((old / "model.json").read_bytes())["files"][MODEL_FILE]
    async with running(old) as bench:
        assert await bench.labelled_by() == "old"
        assert f"engine-{sha256[:12]}" in {task.get_name() for task in asyncio.all_tasks()}


async def test_labels_have_the_node_and_where_the_settings_say_so_the_text(old: Path) -> None:
    async with running(old) as bench:
        label = await bench.label("lovely")
    assert (label["node"], label["text"]) == ("pi-1", "lovely")


async def test_an_inference_that_takes_too_long_is_seen_in_the_health(old: Path, go: threading.Event) -> None:
    async with running(old) as bench:
        bench.health.stuck_seconds = 0.0
        assert bench.health.stuck() is None
        answer = asyncio.create_task(bench.label())
        await until(bench.health.stuck)
        go.set()
        await answer


class PathChecks:
    """The checks of the model's path."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._count, self._find = 0, model_swap.bundle_folders
        monkeypatch.setattr(model_swap, "_LOOK_SECONDS", LOOK_SECONDS)
        monkeypatch.setattr(model_swap, "bundle_folders", self._counted)

    def _counted(self, settings: ModelSettings) -> tuple[Path, ...]:
        self._count += 1
        return self._find(settings)

    async def several_more(self) -> None:
        before = self._count
        await until(lambda: self._count >= before + 3)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> PathChecks:
    return PathChecks(monkeypatch)


async def test_an_unchanged_path_requests_no_reload(old: Path, checks: PathChecks) -> None:
    async with running(old) as bench:
        await checks.several_more()
        assert bench.health.reloads_requested == 0


async def test_a_link_that_changed_requests_one_reload(
    old: Path, new: Path, tmp_path: Path, checks: PathChecks, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(old)
    async with running(link) as bench:
        monkeypatch.setattr(bench.swapper, "_swap", lambda *_: asyncio.sleep(0))  # as if the new model were refused
        relink(link, new)
        await until(lambda: bench.health.reloads_requested)
        await checks.several_more()
        assert bench.health.reloads_requested == 1


async def test_another_model_takes_over_when_it_is_requested(
    old: Path, new: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sha256 = orjson.loads((new / "model.json").read_bytes())["files"][MODEL_FILE]
    async with running(old) as bench:
        bench.request(new)
        await bench.swaps(1)
        assert await bench.labelled_by() == "new"
    assert caplog.messages == [f"labelling with new (float32, sha256 {sha256[:12]})"]


async def test_settings_of_the_decision_come_into_force_with_the_model(old: Path, new: Path) -> None:
    async with running(old) as bench:
        assert (await bench.label())["polarity"] == "positive"
        bench.request(old, DecisionSettings(threshold=1))
        await bench.swaps(1)
        assert (await bench.label())["decision"] == "below_threshold"
        bench.request(new)
        await bench.swaps(2)
        assert (await bench.label())["decision"] == "below_threshold"
        bench.request(new, DecisionSettings())
        await bench.swaps(3)
        assert (await bench.label())["polarity"] == "positive"


async def test_settings_of_the_decision_stay_as_they_were_if_the_model_is_refused(old: Path, tmp_path: Path) -> None:
    async with running(old) as bench:
        bench.request(tmp_path / "nothing", DecisionSettings(threshold=1))
        await bench.swaps(1, "refused")
        assert (await bench.label())["polarity"] == "positive"


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """An event that inferences wait for."""
    event, classify = threading.Event(), Classifier.probabilities

    def held(self: Classifier, batch: Sequence[Sequence[int]]) -> Any:
        event.wait()
        return classify(self, batch)

    monkeypatch.setattr(Classifier, "probabilities", held)
    yield event
    event.set()


async def test_a_tweet_that_the_old_model_is_classifying_is_labelled_by_it(
    old: Path, new: Path, go: threading.Event
) -> None:
    async with running(old) as bench:
        answer = asyncio.create_task(only_label(bench.labelling, TWEET))
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
    (message,) = caplog.messages
    assert message.startswith(f"the old model stays: no model bundle at {tmp_path / 'gone'}")


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
        assert bench.labelling.engine.batcher.queue.max_batch == 3


async def test_a_changed_link_loads_the_other_model(
    old: Path, new: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_swap, "_LOOK_SECONDS", LOOK_SECONDS)
    link = tmp_path / "link"
    link.symlink_to(old)
    async with running(link) as bench:
        relink(link, new)
        await bench.swaps(1)
        assert await bench.labelled_by() == "new"


async def test_a_broken_link_is_refused_once(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_swap, "_LOOK_SECONDS", LOOK_SECONDS)
    link = tmp_path / "link"
    link.symlink_to(old)
    async with running(link) as bench:
        relink(link, tmp_path / "gone")
        await bench.swaps(1, "refused")
        relink(link, old)
        await bench.swaps(1)
        assert bench.count("refused") == 1


async def test_a_model_that_was_requested_by_another_path_is_loaded_once(
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


async def test_a_model_that_was_requested_is_not_loaded_again_by_a_check_of_the_path(
    old: Path, new: Path, checks: PathChecks
) -> None:
    async with running(old) as bench:
        bench.request(new)
        await bench.swaps(1)
        await checks.several_more()
        assert bench.health.reloads_requested == 1


async def test_a_check_of_the_path_that_a_swap_overtakes_requests_no_reload(
    old: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_swap, "_LOOK_SECONDS", LOOK_SECONDS)
    go, checks, find = threading.Event(), [], model_swap.bundle_folders

    def slow(settings: ModelSettings) -> tuple[Path, ...]:
        checks.append(settings.path)
        if settings.path == old:
            go.wait()
        return find(settings)

    async with running(old) as bench:
        monkeypatch.setattr(model_swap, "bundle_folders", slow)
        await until(lambda: old in checks)
        bench.request(new)
        await bench.swaps(1)
        go.set()
        await until(lambda: checks.count(new) >= 3)  # by the swap, and by two checks of the path
        assert bench.health.reloads_requested == 1


def relink(link: Path, target: Path) -> None:
    """Replace a link in one step, as a deployment does."""
    fresh = link.with_name("fresh")
    fresh.symlink_to(target)
    fresh.rename(link)


async def test_a_first_model_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model bundle at"), ungrouped():
        async with running(tmp_path / "gone"):
            pass


@pytest.mark.usefixtures("unsettled")
async def test_a_start_during_a_copy_waits_for_its_end(
    old: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    begin_copy(old, copy)
    tries = []

    def counted(settings: ModelSettings) -> Any:
        tries.append(settings.path)
        return load_model(settings)

    looked_at: list[Path] = []

    def changed_now(path: Path) -> float:
        looked_at.append(path)
        return 0.0

    monkeypatch.setattr(model_swap, "load_model", counted)
    monkeypatch.setattr(model_swap, "seconds_since_change", changed_now)

    async def start() -> str:
        async with running(copy) as bench:
            return await bench.labelled_by()

    starting = asyncio.create_task(start())
    await until(lambda: len(tries) >= 3)
    end_copy(old, copy)
    assert await starting == "old"
    assert set(looked_at) == {copy}
    (message,) = [message for message in caplog.messages if "a copy may be in progress" in message]
    assert message.startswith(f"{copy / MODEL_FILE} ")


@pytest.mark.usefixtures("unsettled")
async def test_a_bundle_that_changes_for_too_long_ends_the_start(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_swap, "_COPY_SECONDS", 0.0)
    begin_copy(old, tmp_path / "copy")
    with pytest.raises(BundleError, match="its files still change"):
        async with running(tmp_path / "copy"):
            pass


@pytest.mark.usefixtures("unsettled")
@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"?"), lambda path: path.unlink()])
@pytest.mark.parametrize("name", ["model.json", MODEL_FILE, TOKENIZER_FILE])
async def test_a_swap_during_a_copy_waits_for_its_end_and_the_old_model_labels_until_then(
    old: Path, new: Path, tmp_path: Path, name: str, spoil: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(new, copy)
    spoil(copy / name)
    async with running(old) as bench:
        bench.request(copy)
        await until(lambda: "a copy may be in progress" in caplog.text)
        assert await bench.labelled_by() == "old"
        shutil.copyfile(new / name, copy / name)
        await bench.swaps(1)
        assert await bench.labelled_by() == "new"
        assert bench.count("refused") == 0


@pytest.mark.usefixtures("unsettled")
async def test_a_later_request_is_not_held_up_by_a_bundle_that_is_being_copied(
    old: Path, new: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begin_copy(old, tmp_path / "copy")
    async with running(old) as bench:
        bench.request(tmp_path / "copy")
        await until(lambda: "a copy may be in progress" in caplog.text)
        bench.request(new)
        await bench.swaps(1)
        assert await bench.labelled_by() == "new"


@pytest.mark.usefixtures("unsettled")
async def test_a_model_that_cannot_serve_is_refused_at_once_although_it_is_new(old: Path, tmp_path: Path) -> None:
    broken = write_bundle(tmp_path / "broken", columns=2)
    async with running(old) as bench:
        bench.request(broken)
        await bench.swaps(1, "refused")


async def test_only_the_last_of_many_requests_is_served(old: Path, new: Path) -> None:
    async with running(old) as bench:
        for _ in range(100):
            bench.request(old)
        bench.request(new)
        await until(lambda: bench.health.reloads_done == bench.health.reloads_requested == 101)
        assert await bench.labelled_by() == "new"
        assert bench.count("swapped") == 1


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("bad_alloc"), OSError("disk"), ZeroDivisionError()])
async def test_the_old_model_stays_after_any_error_of_a_new_one(
    old: Path, new: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(old) as bench:

        def broken(_: ModelSettings) -> None:
            raise error

        monkeypatch.setattr(model_swap, "load_model", broken)
        bench.request(new)
        await bench.swaps(1, "refused")
        assert await bench.labelled_by() == "old"
        assert bench.health.reloads_done == 1
    assert caplog.messages == [f"the old model stays: {new} cannot be loaded"]


async def test_a_link_in_a_circle_is_refused_and_the_old_model_stays(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_swap, "_LOOK_SECONDS", LOOK_SECONDS)
    link = tmp_path / "link"
    link.symlink_to(old)
    async with running(link) as bench:
        relink(link, link)
        await bench.swaps(1, "refused")
        assert await bench.labelled_by() == "old"


async def test_files_that_are_overwritten_in_place_change_no_label(old: Path) -> None:
    async with running(old) as bench:
        before = (await bench.label())["probabilities"]
        for name in (MODEL_FILE, TOKENIZER_FILE):
            (old / name).write_bytes(b"\0" * 50)
        for number in range(20):  # different texts, so that no result is remembered
            assert (await bench.label(f"lovely {'train ' * number}"))["model"]["name"] == "old"
        assert (await bench.label())["probabilities"] == before
