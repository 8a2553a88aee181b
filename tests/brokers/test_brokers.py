"""The short form of `make brokers`: a broker that keeps the guarantees, and one that does not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stream.errors import BrokerError
from stream.session.broker_check import check_broker
from stream.settings import Settings
from tests.brokers.programs import BROKERS, UnavailableError, running
from tests.brokers.trial import deliver, share, trial_settings
from tests.unit.tiny_bundle import write_bundle

pytestmark = pytest.mark.broker
_TWEETS = 60


@pytest.fixture
async def settings(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Settings]:
    """Run the broker of that name; yields the settings of a node."""
    name, protocol = request.param
    broker = next(broker for broker in BROKERS if broker.name == name)
    try:
        broker.version()
    except UnavailableError as error:
        pytest.skip(str(error))
    (tmp_path / "broker").mkdir()
    async with running(broker, tmp_path / "broker") as port:
        yield trial_settings(broker, port, tmp_path, write_bundle(tmp_path / "bundle"), protocol)


def on(name: str, protocol: str) -> pytest.MarkDecorator:
    """Run a test with the broker of that name."""
    return pytest.mark.parametrize("settings", [(name, protocol)], indirect=True, ids=[f"{name}, MQTT {protocol}"])


def hasty(settings: Settings) -> Settings:
    """Return the settings with a shorter wait for what a broker does not do; a slow machine answers within it."""
    return settings.model_copy(update={"broker": settings.broker.model_copy(update={"timeout_seconds": 5.0})})


@on("Mosquitto", "5")
async def test_mosquitto_loses_nothing_while_the_node_is_killed_twice(settings: Settings, tmp_path: Path) -> None:
    delivery = await deliver(settings, tmp_path, _TWEETS)
    assert delivery.complete
    assert delivery.lost == 0


@on("Mosquitto", "5")
async def test_two_nodes_share_the_tweets_behind_mosquitto(settings: Settings, tmp_path: Path) -> None:
    sharing = await share(settings, tmp_path)
    assert sharing.works, sharing.says
    assert sharing.check.works, sharing.check.says


@on("amqtt", "3.1.1")
async def test_the_loss_of_a_broker_that_keeps_nothing_is_counted(settings: Settings, tmp_path: Path) -> None:
    delivery = await deliver(settings, tmp_path, _TWEETS, straggler_seconds=0.5)
    assert delivery.complete
    assert delivery.lost >= _TWEETS / 2


@on("amqtt", "auto")
async def test_check_names_a_broker_that_keeps_nothing_and_waits_once_for_an_answer_to_mqtt_5(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(BrokerError, match="does not keep messages for an absent session"):
        await check_broker(hasty(settings))
    assert caplog.text.count("the broker does not answer MQTT 5") == 1


@on("amqtt with passwords", "3.1.1")
async def test_check_names_a_broker_that_sends_nothing_again(settings: Settings) -> None:
    with pytest.raises(BrokerError, match="does not send a message again that was not acknowledged"):
        await check_broker(hasty(settings))
