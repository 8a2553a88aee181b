"""The metrics and health of a running service, and the number of tweets that it holds."""

import asyncio
import shutil
import subprocess
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from stream.service import Service
from stream.session.delivery import Deliveries
from stream.session.topics import ONLINE
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for

pytestmark = pytest.mark.broker


class Observed:
    """A service whose HTTP server the test queries."""

    def __init__(self) -> None:
        self.address: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def get(self, path: str) -> tuple[int, str]:
        async with ClientSession() as session, session.get(await self.address + path) as answer:
            return answer.status, await answer.text()

    async def value(self, name: str, labels: dict[str, str] | None = None) -> float:
        _, text = await self.get("/metrics")
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.labels == (labels or {}):
                    return sample.value
        raise AssertionError(f"no {name} with {labels}")


async def test_the_metrics_count_messages_and_results(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    observed = Observed()
    async with serving(settings, observed.address.set_result), probing(settings) as probe:
        await probe.tweet("1", "I love it, best day of my life!")
        await probe.tweet("2", "so " * 500)
        await probe.send(b"garbage")
        await probe.until(lambda: len(probe.labels) + len(probe.rejections) == 3)
        polarities = [label["polarity"] for label in probe.labels]
        expected: list[tuple[float, str, dict[str, str]]] = [
            (3, "starling_tweets_received_total", {}),
            (polarities.count("positive"), "starling_tweets_classified_total", {"polarity": "positive"}),
            (polarities.count("negative"), "starling_tweets_classified_total", {"polarity": "negative"}),
            (1, "starling_tweets_rejected_total", {"reason": "not_json"}),
            (0, "starling_tweets_rejected_total", {"reason": "not_utf8"}),
            (1, "starling_tweets_truncated_total", {}),
            (3, "starling_stage_seconds_count", {"stage": "decode"}),
            (2, "starling_stage_seconds_count", {"stage": "queue"}),
            (3, "starling_stage_seconds_count", {"stage": "publish"}),
            (2, "starling_confidence_ratio_count", {}),
            (1, "starling_broker_connected", {}),
            (0, "starling_broker_reconnects_total", {}),
            (1, "starling_ready", {}),
            (settings.broker.receive_maximum, "starling_window_tweets", {}),
            (1, "starling_model_info", probe.labels[0]["model"]),
        ]
        assert [(await observed.value(name, labels), name, labels) for _, name, labels in expected] == expected
        assert await observed.value("process_resident_memory_bytes") > 1e7
        assert await observed.value("starling_event_loop_tasks") > 1


@pytest.mark.prometheus
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed: apt-get install prometheus")
async def test_promtool_accepts_the_metrics(broker: Mosquitto) -> None:
    observed = Observed()
    async with serving(settings_for(broker.port), observed.address.set_result):
        _, text = await observed.get("/metrics")
    ours = "".join(line for line in text.splitlines(keepends=True) if "starling_" in line)
    checked = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=ours, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


async def test_a_service_without_a_broker_is_alive_but_not_ready(broker: Mosquitto) -> None:
    settings = settings_for(broker.port, broker={"wait_at_start": True})
    broker.stop()
    observed = Observed()
    service = Service(settings, observed.address.set_result)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(service.run())
        assert (await observed.get("/healthz"))[0] == 200
        assert await observed.value("starling_ready") == 0
        status, text = await observed.get("/readyz")
        assert status == 503
        assert "the broker is not connected" in text
        await asyncio.to_thread(broker.start)
        async with probing(settings) as probe:
            await probe.until(lambda: ONLINE in probe.status)
        assert await observed.get("/readyz") == (200, '{"ready": true, "missing": []}')
        service.stop()


@pytest.mark.parametrize(("protocol", "qos"), [("5", 1), ("5", 0), ("3.1.1", 1)])
async def test_the_node_holds_at_most_its_window_under_a_flood_of_tweets(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch, protocol: str, qos: int
) -> None:
    most = 8
    settings = settings_for(broker.port, broker={"protocol": protocol, "receive_maximum": most})
    fills: list[float] = []
    take = Deliveries.take

    def counted_take(self: Deliveries, message: Any) -> None:
        take(self, message)
        fills.append(self.fill)

    monkeypatch.setattr(Deliveries, "take", counted_take)
    ids = {str(number) for number in range(500)}
    async with serving(settings), probing(settings) as probe:
        if qos:
            await probe.tweets(ids)
        else:
            for tweet_id in ids:
                probe.send_at_qos_0(f'{{"id":"{tweet_id}","text":"hello"}}'.encode())
        await probe.until(lambda: set(probe.labelled_ids()) == ids)
    assert max(fills) == 1
