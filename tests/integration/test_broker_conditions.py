"""Conditions on the broker for the promises: a broker that does not meet them loses tweets without an error."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stream.session.topics import OFFLINE
from stream.settings import Settings
from tests.integration.mosquitto import PROGRAM, Mosquitto, password_options
from tests.integration.probe import Probe, probing, serving, settings_for

pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed: apt-get install mosquitto"),
]
_SENT = {str(number) for number in range(50)}
_LAST = "last"


@contextlib.asynccontextmanager
async def serving_to_the_end(settings: Settings, probe: Probe) -> AsyncIterator[None]:
    """Run the service; at the end, wait until the probe has received all its labels and its `offline` status."""
    # Not later: a broker that hangs up while the node stops announces `offline` by the will.
    probe.status.clear()
    async with serving(settings):
        yield
    await probe.until(lambda: OFFLINE in probe.status)


async def labelled_after_being_offline(broker: Mosquitto) -> set[str]:
    """Send tweets while a node is offline, and return the ids of those that it labels after its return."""
    settings = settings_for(broker.port)
    async with serving(settings):
        pass
    async with probing(settings) as probe:
        await probe.tweets(_SENT)
        async with serving_to_the_end(settings, probe):
            await probe.tweet(_LAST)
            await probe.label_of(_LAST)
    return set(probe.labelled_ids()) - {_LAST}


async def test_a_queue_without_a_limit_keeps_all_tweets_for_an_offline_node(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, "allow_anonymous true\nmax_queued_messages 0") as broker:
        assert await labelled_after_being_offline(broker) == _SENT


async def test_a_short_queue_drops_tweets_without_an_error(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, "allow_anonymous true\nmax_inflight_messages 5\nmax_queued_messages 10") as broker:
        assert len(await labelled_after_being_offline(broker)) < len(_SENT)


async def test_over_mqtt_3_1_1_a_broker_confirms_labels_that_it_refuses(tmp_path: Path) -> None:
    rules = "user node\ntopic readwrite tweets/in\ntopic readwrite starling/#\ntopic read tweets/#\n"
    rules += "topic write tweets/rejected\n"
    (tmp_path / "password").write_text("secret\n")
    user = {"username": "node", "password_file": tmp_path / "password", "protocol": "3.1.1"}
    with Mosquitto(tmp_path, password_options(tmp_path, {"node": "secret"}, rules)) as broker:
        settings = settings_for(broker.port, broker=user)
        async with probing(settings) as probe:
            async with serving_to_the_end(settings, probe):
                await probe.tweet("1")
                await probe.send(b"no tweet")
                # By then the node has received the tweet too; it labels it before it stops.
                await probe.until(lambda: probe.rejections)
            assert not probe.labels
            (tmp_path / "rules").write_text(rules + "topic write tweets/polarity\n")
            broker.reload()
            async with serving_to_the_end(settings, probe):
                await probe.tweet(_LAST)
                await probe.label_of(_LAST)
    assert probe.labelled_ids() == [_LAST]
