"""Another model while tweets come in."""

import asyncio
import json
import shutil
import signal
from pathlib import Path

import pytest

from stream.free_port import free_port
from stream.model.bundle import MANIFEST_FILE, MODEL_FILE, SHIPPED_BUNDLE
from stream.settings import ModelSettings
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import Probe, probing, serving, settings_for, write_config
from tests.integration.program import started, until_ready

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
    ids = {f"t{number}" for number in range(1500)}
    async with serving(settings) as service, probing(settings) as probe:
        await probe.tweets(ids)
        service.use_model(ModelSettings(path=another_bundle))
        await probe.until(lambda: len(probe.labels) == len(ids))
        await probe.tweet("last")
        last = await probe.label_of("last")
    assert set(probe.labelled_ids()) == ids | {"last"}
    assert len(probe.labels) == len(ids) + 1
    assert last["model"]["name"] == "another"
    names = _names(probe)
    first_of_new = names.index("another")
    assert 0 < first_of_new < len(ids)
    # Only what had been read for the old one; tweets read since may overtake it, so their place says nothing.
    assert names[first_of_new:].count(names[0]) <= settings.broker.receive_maximum


async def test_a_broken_model_is_refused_and_the_old_one_serves_on(
    broker: Mosquitto, another_bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(broker.port)
    (another_bundle / MODEL_FILE).write_bytes(b"no model")
    async with serving(settings) as service, probing(settings) as probe:
        service.use_model(ModelSettings(path=another_bundle))
        async with asyncio.timeout(20):
            while "is not the file that model.json names" not in caplog.text:  # noqa: ASYNC110  (it gives no sign of its growth)
                await asyncio.sleep(0.01)
        await probe.tweet("1")
        assert (await probe.label_of("1"))["model"]["name"] != "another"


async def test_a_hangup_signal_makes_the_program_read_its_model_anew(
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
