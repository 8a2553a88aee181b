"""Labels, rejections and replies that the broker refuses: only their own tweet is affected."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from stream.settings import Settings
from tests.integration.mosquitto import PROGRAM, Mosquitto
from tests.integration.probe import Probe, probing, serving, settings_for
from tests.integration.program import metric

pytestmark = [pytest.mark.broker, pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed")]
IDS = {str(number) for number in range(100)}
WITH_TEXT = {"labels": {"include_text": True}}
LONG_TEXT = "what a day " * 170


@asynccontextmanager
async def node(mosquitto: Mosquitto, **sections: Any) -> AsyncIterator[tuple[Probe, Callable[[str], Any]]]:
    """Run a service, and yield a probe and a function that reads a metric of the service."""
    settings: Settings = settings_for(mosquitto.port, **sections)
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with serving(settings, address.set_result), probing(settings, "replies/#") as probe:

        async def read(name: str) -> float:
            async with aiohttp.ClientSession() as session, session.get(f"{await address}/metrics") as answer:
                return metric(await answer.text(), name)

        yield probe, read


async def until(read: Callable[[str], Any], name: str, condition: Callable[[float], bool]) -> None:
    while not condition(await read(name)):  # noqa: ASYNC110  (a metric gives no event)
        await asyncio.sleep(0.01)


def limited(folder: Path, options: str) -> Mosquitto:
    return Mosquitto(folder, f"allow_anonymous true\n{options}")


async def test_if_the_broker_refuses_all_labels_every_tweet_is_finished(
    tmp_path: Path,
) -> None:
    with limited(tmp_path, "message_size_limit 200") as broker:
        async with node(broker) as (probe, read):
            await probe.tweets(IDS)
            await until(read, 'starling_tweets_rejected_total{reason="label_refused"}', lambda count: count >= len(IDS))
            await until(read, "starling_tweets_in_progress", lambda count: count == 0)
            assert await read("starling_broker_reconnects_total") < 20  # Mosquitto 2.0.11 disconnects after a refusal


async def test_a_label_that_is_too_large_with_its_text_is_published_without_it(tmp_path: Path) -> None:
    with limited(tmp_path, "message_size_limit 2048") as broker:
        async with node(broker, **WITH_TEXT) as (probe, read):
            await probe.tweet("big", LONG_TEXT)
            await probe.tweets(IDS)
            await probe.until(lambda: set(probe.labelled_ids()) == IDS | {"big"})
            assert await read('starling_results_refused_total{result="label"}') >= 1
    assert {label["id"] for label in probe.labels if "text" not in label} == {"big"}


async def test_a_label_that_is_too_large_becomes_a_rejection_if_that_fits(tmp_path: Path) -> None:
    with limited(tmp_path, "message_size_limit 600") as broker:
        async with node(broker) as (probe, _):
            await probe.tweet("x" * 128, entity="e" * 256)
            await probe.tweets(IDS)
            await probe.until(lambda: set(probe.labelled_ids()) == IDS and probe.rejections)
    (rejection,) = probe.rejections
    assert (rejection["reason"], rejection["id"]) == ("label_refused", "x" * 128)
    assert "Packet too large" in rejection["detail"]


async def test_a_reply_larger_than_the_broker_accepts_is_dropped_and_its_label_published(tmp_path: Path) -> None:
    with limited(tmp_path, "max_packet_size 2048") as broker:
        async with node(broker) as (probe, read):
            correlation = b"c" * 1850
            await probe.send(b'{"id":"1","text":"a"}', response_topic="replies/a", correlation_data=correlation)
            await probe.tweets(IDS - {"1"})
            await probe.until(lambda: set(probe.labelled_ids()) == IDS)
            await until(read, "starling_responses_refused_total", lambda count: count >= 1)
            assert await read("starling_broker_reconnects_total") == 0
    assert not probe.on("replies/#")


async def test_over_mqtt_3_1_1_a_label_that_makes_the_broker_disconnect_is_published_without_its_text(
    tmp_path: Path,
) -> None:
    with limited(tmp_path, "max_packet_size 2048") as broker:
        options = {"protocol": "3.1.1", "reconnect_seconds": 0.1}
        async with node(broker, broker=options, **WITH_TEXT) as (probe, _):
            await probe.tweet("big", LONG_TEXT)
            await probe.tweets(IDS)
            await probe.until(lambda: set(probe.labelled_ids()) == IDS | {"big"})
    assert "text" not in next(label for label in probe.labels if label["id"] == "big")
