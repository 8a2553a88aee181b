"""A node that Home Assistant can discover, with a real broker."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.errors import BrokerError
from stream.mqtt.connection import Connection
from stream.settings import Settings
from tests.integration.mosquitto import Mosquitto, password_options
from tests.integration.probe import Probe, probing, serving, settings_for, write_config
from tests.integration.program import finished

pytestmark = pytest.mark.broker
DISCOVERY, STATE = "homeassistant/device/starling_test/config", "starling/test/state"


def node(port: int, **broker: Any) -> Settings:
    return settings_for(port, home_assistant={"enabled": True, "interval_seconds": 1}, broker=broker)


def states(probe: Probe) -> list[dict[str, Any]]:
    return [orjson.loads(message.payload) for message in probe.on(STATE) if message.payload]


async def retained(settings: Settings) -> dict[str, bytes]:
    """Return the retained messages about the node that a new subscriber gets."""
    async with probing(settings, DISCOVERY, STATE, "starling/test/end") as probe:
        await probe.client.publish_confirmed("starling/test/end", b"")
        await probe.until(lambda: probe.on("starling/test/end"))
        return {message.topic: message.payload for message in probe.on("#") if message.retain}


async def test_a_node_is_described_once_and_publishes_its_numbers(broker: Mosquitto) -> None:
    settings = node(broker.port)
    async with probing(settings, DISCOVERY, STATE) as probe, serving(settings):
        await probe.tweet("1")
        await probe.until(lambda: states(probe) and states(probe)[-1]["labelled_total"] == 1)
        await probe.until(lambda: states(probe)[-1]["ready"])
        described = [orjson.loads(message.payload) for message in probe.on(DISCOVERY)]
        assert states(probe)[-1]["latency_p50_seconds"] > 0
    assert described[-1]["state_topic"] == STATE
    assert described[-1]["availability_topic"] == "starling/test/status"
    keys = [set(description["components"]) for description in described]
    assert all(earlier < later for earlier, later in pairwise(keys))


async def test_the_description_stays_while_the_node_is_away_and_goes_when_it_leaves(
    broker: Mosquitto, tmp_path: Path
) -> None:
    settings = node(broker.port)
    async with probing(settings, DISCOVERY, STATE) as probe, serving(settings):
        await probe.until(lambda: states(probe))
    away = await retained(settings)
    assert {DISCOVERY, STATE} <= away.keys()
    assert away["starling/test/status"] == b"offline"

    config = write_config(tmp_path, settings, http_port=0)
    assert (await finished("leave", "--config", config))[0] == 0
    assert await retained(settings) == {}


async def test_nothing_is_published_for_home_assistant_unless_it_is_enabled(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    async with serving(settings), probing(settings) as probe:
        await probe.tweet("1")
        await probe.label_of("1")
    assert not {DISCOVERY, STATE} & (await retained(settings)).keys()


async def test_leave_removes_the_description_of_former_settings_and_needs_no_right_to(tmp_path: Path) -> None:
    rules = "user pi\ntopic readwrite starling/#\ntopic readwrite tweets/#\n"
    with Mosquitto(tmp_path, password_options(tmp_path, {"pi": "secret"}, rules)) as broker:
        (tmp_path / "password").write_text("secret\n")
        login = {"username": "pi", "password_file": tmp_path / "password"}
        settings = settings_for(broker.port, broker=login)
        async with serving(settings):
            pass
        config = write_config(tmp_path, settings, http_port=0)
        assert (await finished("leave", "--config", config))[0] == 0

        config = write_config(tmp_path, node(broker.port, **login), http_port=0)
        code, _, complaint = await finished("leave", "--config", config)
        assert (code, DISCOVERY in complaint) == (69, True)


async def test_a_broker_that_refuses_the_description_is_named_in_the_log_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals: list[BrokerError] = []
    publish = Connection.publish_confirmed

    async def publish_and_note(*arguments: Any, **options: Any) -> None:
        try:
            await publish(*arguments, **options)
        except BrokerError as error:
            refusals.append(error)
            raise

    rules = "user pi\ntopic readwrite starling/#\ntopic readwrite tweets/#\n"
    with Mosquitto(tmp_path, password_options(tmp_path, {"pi": "secret"}, rules)) as broker:
        (tmp_path / "password").write_text("secret\n")
        settings = node(broker.port, username="pi", password_file=tmp_path / "password")
        monkeypatch.setattr(Connection, "publish_confirmed", publish_and_note)
        async with serving(settings), probing(settings) as probe:
            number = 0
            while len(refusals) < 2:
                number += 1
                await probe.tweet(str(number))
                await probe.label_of(str(number))
    said = [record for record in caplog.records if "Home Assistant" in record.message and record.levelname == "WARNING"]
    assert len(said) == 1
    assert DISCOVERY in said[0].message
