"""Hostile messages from a sender: they affect at most the answer to that sender; the next tweet is labelled."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from stream.errors import BrokerError
from stream.free_port import free_port
from stream.mqtt.connection import Connection
from stream.session.topics import ONLINE
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for, write_config
from tests.integration.program import started, until_ready

pytestmark = pytest.mark.broker
PROTOCOLS = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


def response_topic(topic: str) -> bytes:
    return b"\x08" + len(topic.encode()).to_bytes(2) + topic.encode()


HOSTILE_PROPERTIES = {
    "a character that some clients refuse": b"\x26\x00\x03\xef\xbb\xbf\x00\x00",
    "a response topic with such a character": response_topic("replies/\ufeff"),
    "very many properties": b"\x26\x00\x00\x00\x00" * 20_000,
    "a response topic with more levels than the broker takes": response_topic("replies" + "/" * 300),
    "a response topic of great length": response_topic("replies/" + "a" * 60_000),
    "a response topic of the broker's own": response_topic("$SYS/replies"),
    "another node's status": response_topic("starling/other/status"),
    "correlation data of great length": response_topic("replies/a") + b"\x09\xff\xff" + b"a" * 65_535,
}


@pytest.mark.parametrize("properties", HOSTILE_PROPERTIES.values(), ids=HOSTILE_PROPERTIES)
async def test_hostile_properties_affect_only_the_answer_to_their_sender(broker: Mosquitto, properties: bytes) -> None:
    settings = settings_for(broker.port)
    async with serving(settings), probing(settings, "replies/#", "starling/other/#") as probe:
        await probe.send_with(b'{"id":"hostile","text":"hello"}', properties)
        await probe.tweet("next")
        await probe.label_of("next")
        await probe.label_of("hostile")
    assert sorted(probe.labelled_ids()) == ["hostile", "next"]
    assert probe.status == [ONLINE]  # the session was not lost
    assert not probe.on("replies/#")
    assert not probe.on("starling/other/#")


@PROTOCOLS
async def test_a_giant_message_is_rejected_and_uses_little_memory(
    broker: Mosquitto, tmp_path: Path, protocol: str
) -> None:
    settings = settings_for(broker.port, broker={"protocol": protocol})
    http_port = free_port()
    async with started("run", "--config", write_config(tmp_path, settings, http_port)) as process:
        await until_ready(http_port)
        async with probing(settings) as probe:
            await probe.tweet("before")
            await probe.label_of("before")
            before = _peak_memory_bytes(process.pid)
            await probe.send(b"a" * 100_000_000)
            await probe.until(lambda: probe.rejections)
            after = _peak_memory_bytes(process.pid)
    assert probe.rejections[0]["reason"] == "too_large"
    assert after - before < 50_000_000


def _peak_memory_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


async def test_forbidden_response_topics_do_not_fill_the_log(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings = settings_for(broker.port)
    async with serving(settings), probing(settings) as probe:
        for number in range(20):
            await probe.send_with(b'{"id":"%d","text":"a"}' % number, response_topic("elsewhere"))
        await probe.until(lambda: len(probe.labels) == 20)
    assert "elsewhere" not in caplog.text


async def _series(address: str) -> set[str]:
    async with aiohttp.ClientSession() as session, session.get(f"{address}/metrics") as answer:
        return {line.rpartition(" ")[0] for line in (await answer.text()).splitlines() if not line.startswith("#")}


async def test_no_message_adds_a_series_to_the_metrics(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    address = asyncio.get_running_loop().create_future()
    messages = [
        *(b'{"id":"%d","text":"a","lang":"l%d","entity":"e%d"}' % (number, number, number) for number in range(50)),
        *(b'{"id":"r%d","%d":1}' % (number, number) for number in range(50)),
        *(b"garbage %d" % number for number in range(50)),
    ]
    async with serving(settings, address.set_result), probing(settings) as probe:
        before = await _series(await address)
        for number, message in enumerate(messages):
            await probe.send_with(message, response_topic(f"elsewhere/{number}"))
        await probe.until(lambda: len(probe.labels) + len(probe.rejections) == len(messages))
        assert await _series(await address) == before


async def test_a_connection_that_is_lost_before_the_subscription_is_a_broker_error() -> None:
    async def accept_and_disconnect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(bytes.fromhex("2003000000"))
        await reader.read(1000)
        writer.close()

    server = await asyncio.start_server(accept_and_disconnect, "127.0.0.1", 0)
    settings: Any = settings_for(server.sockets[0].getsockname()[1])
    async with server:
        with pytest.raises(BrokerError):
            async with Connection(settings.broker) as client:
                await client.subscribe_confirmed("tweets/in")
