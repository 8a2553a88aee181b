"""The swap of the model while tweets arrive."""

import asyncio
import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from stream.free_port import free_port
from stream.labelling import model_swap
from stream.model.bundle import MANIFEST_FILE, MODEL_FILE, SHIPPED, SHIPPED_BUNDLE
from stream.settings import ModelSettings
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import Probe, probing, serving, settings_for, write_config
from tests.integration.program import Process, started, until_ready
from tests.unit.waiting import until

pytestmark = pytest.mark.broker


@pytest.fixture
def another_bundle(tmp_path: Path) -> Path:
    """The shipped model under another name."""
    folder = tmp_path / "another"
    shutil.copytree(SHIPPED_BUNDLE, folder)
    manifest = json.loads((folder / MANIFEST_FILE).read_text())
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest | {"name": "another"}))
    return folder


def _names(probe: Probe) -> list[str]:
    return [label["model"]["name"] for label in probe.labels]


async def test_a_model_is_swapped_under_load_and_no_tweet_is_lost(broker: Mosquitto, another_bundle: Path) -> None:
    settings = settings_for(broker.port)
    ids: set[str] = set()
    async with serving(settings) as service, probing(settings) as probe:
        while "another" not in _names(probe):  # tweets arrive all the time until the new model labels
            more = {f"t{number}" for number in range(len(ids), len(ids) + 500)}
            await probe.tweets(more)
            if not ids:
                await probe.until(lambda: probe.labels)
                service.use_model(ModelSettings(path=another_bundle))
            ids.update(more)
            await probe.until(lambda: len(probe.labels) > len(ids) - 250)
        await probe.until(lambda: len(probe.labels) == len(ids))
        await probe.tweet("last")
        last = await probe.label_of("last")
    assert set(probe.labelled_ids()) == ids | {"last"}
    assert len(probe.labels) == len(ids) + 1
    assert last["model"]["name"] == "another"
    names = _names(probe)
    first_of_new = names.index("another")
    assert 0 < first_of_new < len(ids)
    # Only tweets that were read before the swap; tweets read later may overtake them, so the order is not checked.
    assert names[first_of_new:].count(names[0]) <= settings.broker.receive_maximum


async def test_a_broken_model_is_refused_and_the_old_one_stays_in_service(
    broker: Mosquitto, another_bundle: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_swap, "_SETTLED_SECONDS", -1.0)  # otherwise the file could count as a copy in progress
    settings = settings_for(broker.port)
    (another_bundle / MODEL_FILE).write_bytes(b"no model")
    async with serving(settings) as service, probing(settings) as probe:
        service.use_model(ModelSettings(path=another_bundle))
        await until(lambda: "the old model stays" in caplog.text)
        await probe.tweet("1")
        assert (await probe.label_of("1"))["model"]["name"] != "another"


async def test_a_hangup_signal_makes_the_program_reload_its_model(
    broker: Mosquitto, tmp_path: Path, another_bundle: Path
) -> None:
    settings, http_port = settings_for(broker.port), free_port()
    config = write_config(tmp_path, settings, http_port)
    async with started("run", "--config", config) as process, probing(settings) as probe:
        await until_ready(http_port)
        with config.open("a") as file:
            file.write(f'path = "{another_bundle}"\n')
        process.send_signal(signal.SIGHUP)
        assert process.stderr
        while b"labelling with another" not in await process.stderr.readline():
            pass
        await probe.tweet("1")
        assert (await probe.label_of("1"))["model"]["name"] == "another"


@pytest.mark.parametrize(("served", "written"), [("default", "fast"), ("fast", "default")])
async def test_overwriting_the_model_file_does_not_change_the_labels(
    broker: Mosquitto, tmp_path: Path, served: str, written: str
) -> None:
    bundle = Path(shutil.copytree(SHIPPED / served, tmp_path / "bundle"))
    settings, http_port = settings_for(broker.port, model={"path": bundle}), free_port()
    config = write_config(tmp_path, settings, http_port)
    async with started("run", "--config", config) as process, probing(settings) as probe:
        await until_ready(http_port)
        await probe.tweet("before", "a horrible day out")
        before = await probe.label_of("before")
        shutil.copyfile(SHIPPED / written / MODEL_FILE, bundle / MODEL_FILE)
        await probe.tweet("other", "a horrible day out, and it rains, and the last train is late")
        await probe.label_of("other")
        os.truncate(bundle / MODEL_FILE, 100)
        await probe.tweet("after", "A horrible   day out")  # the same tokens again, after different ones
        for number in range(20):
            await probe.tweet(f"t{number}", f"a horrible {'very ' * number} day out")
            assert (await probe.label_of(f"t{number}"))["model"] == before["model"]
        assert (await probe.label_of("after"))["probabilities"] == before["probabilities"]
        assert process.returncode is None


def incomplete_bundle(folder: Path) -> Path:
    """Return a copy of the bundle whose model is incomplete."""
    bundle = Path(shutil.copytree(SHIPPED_BUNDLE, folder / "bundle"))
    os.truncate(bundle / MODEL_FILE, 1_000_000)
    return bundle


async def until_waiting(process: Process, bundle: Path) -> None:
    """Change the bundle's files until a service waits for the end of that."""

    async def keep_changing() -> None:
        while True:
            (bundle / MODEL_FILE).touch()
            await asyncio.sleep(0.1)

    assert process.stderr
    changing = asyncio.create_task(keep_changing())
    while b"a copy may be in progress" not in (line := await process.stderr.readline()):
        assert line, "it ended"
    changing.cancel()


async def test_a_start_during_a_copy_waits_for_its_end(broker: Mosquitto, tmp_path: Path) -> None:
    bundle = incomplete_bundle(tmp_path)
    settings, http_port = settings_for(broker.port, model={"path": bundle}), free_port()
    config = write_config(tmp_path, settings, http_port)
    async with started("run", "--config", config) as process, probing(settings) as probe:
        await until_waiting(process, bundle)
        shutil.copyfile(SHIPPED_BUNDLE / MODEL_FILE, bundle / MODEL_FILE)
        await until_ready(http_port)
        await probe.tweet("1")
        await probe.label_of("1")


async def test_a_service_that_waits_for_a_copy_can_be_stopped(tmp_path: Path) -> None:
    bundle = incomplete_bundle(tmp_path)
    config = tmp_path / "starling.toml"
    config.write_text(f'[broker]\nport = {free_port()}\n[http]\nport = 0\n[model]\npath = "{bundle}"\n')
    async with started("run", "--config", config) as process:
        await until_waiting(process, bundle)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
