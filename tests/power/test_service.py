"""The service with a simulated meter: energy per tweet on its topic and in its metrics."""

from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from stream.power import announce
from stream.power.current import NOMINAL_ZERO
from stream.power.frames import ZERO_SCALE
from stream.power.link import open_meter
from stream.power.simulator import SimulatedUno, simulated_uno
from stream.session.topics import energy_topic
from stream.settings import PowerSettings
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import Probe, probing, serving, settings_for

pytestmark = pytest.mark.broker
TOPIC = energy_topic("test")


@pytest.fixture(autouse=True)
def announced_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announce, "_INTERVAL_SECONDS", 0.1)


def power(uno: SimulatedUno, **options: Any) -> dict[str, Any]:
    return {"power": PowerSettings(port=uno.port, supply_volts=5.0, **options)}


def summaries(probe: Probe) -> list[dict[str, Any]]:
    return [orjson.loads(bytes(message.payload)) for message in probe.on(TOPIC) if message.payload]


async def test_joules_per_tweet_are_published_with_their_error(broker: Mosquitto, simulator: Path) -> None:
    async with simulated_uno(simulator, signals={"amperes": 1.0, "noise": 0.0035}) as uno:
        async with open_meter(uno.port) as meter:
            await meter.identify()
            await meter.ask(f"T{NOMINAL_ZERO * ZERO_SCALE:.0f}")
        settings = settings_for(broker.port, **power(uno))
        async with probing(settings, TOPIC) as probe, serving(settings):
            await probe.until(lambda: summaries(probe) and summaries(probe)[-1]["watts"])
            await probe.tweets(map(str, range(20)))
            await probe.until(lambda: summaries(probe)[-1]["joules_per_tweet"]["tweets"] == 20)
            summary = summaries(probe)[-1]
    assert summary["source"] == "acs712-simulated"
    assert summary["watts"]["value"] == pytest.approx(5.0, abs=0.05)
    per_tweet = summary["joules_per_tweet"]["all"]
    assert per_tweet["value"] == pytest.approx(5.0 * summary["measured_seconds"] / 20, rel=0.2)
    assert 0 < per_tweet["standard_error"] < 0.1 * per_tweet["value"]


async def test_the_energy_topic_is_retained_and_emptied_when_the_node_leaves(
    broker: Mosquitto, simulator: Path
) -> None:
    async with simulated_uno(simulator) as uno:
        settings = settings_for(broker.port, **power(uno))
        async with serving(settings), probing(settings, TOPIC) as early:
            await early.until(lambda: early.on(TOPIC))
            async with probing(settings, TOPIC) as late:
                await late.until(lambda: late.on(TOPIC))
                assert late.on(TOPIC)[0].retain
        async with probing(settings, TOPIC, "starling/test/after") as afterwards:
            await afterwards.client.publish_confirmed("starling/test/after", b"")
            await afterwards.until(lambda: afterwards.on("starling/test/after"))
            assert not afterwards.on(TOPIC)


async def test_the_metrics_name_the_simulated_source_and_the_meter_going_away(
    broker: Mosquitto, simulator: Path
) -> None:
    addresses: list[str] = []
    async with simulated_uno(simulator, signals={"amperes": 1.0}) as uno:
        settings = settings_for(broker.port, **power(uno))
        async with probing(settings, TOPIC) as probe, serving(settings, addresses.append):
            await probe.until(lambda: summaries(probe) and summaries(probe)[-1]["watts"])
            text = await _metrics(addresses[0])
            assert 'starling_power_meter_up{source="acs712-simulated"} 1.0' in text
            assert 'starling_energy_joules_total{source="acs712-simulated"}' in text
            uno.unplug()
            await probe.until(lambda: not summaries(probe)[-1]["meter_up"])
            await probe.tweet("after the meter went away")
            await probe.label_of("after the meter went away")


async def _metrics(address: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{address}/metrics") as answer:
        return await answer.text()


async def test_a_service_labels_tweets_without_its_meter(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_for(broker.port, power=PowerSettings(port="/dev/ttyACM99"))
    async with serving(settings), probing(settings) as probe:
        await probe.tweet("1")
        await probe.label_of("1")
    assert "/dev/ttyACM99 does not exist" in caplog.text
