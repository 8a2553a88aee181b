"""The service on an emulated Raspberry Pi, with a Mosquitto on this machine."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiomqtt
import pytest

from tests.arm.boards import PI_4
from tests.arm.emulation import Installation
from tests.integration.mosquitto import PROGRAM, Mosquitto

TWEETS = 20
LABELLED_BEFORE_THE_KILL = 5
PATIENCE_SECONDS = 100.0

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs mosquitto")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path, log_type="error") as mosquitto:
        yield mosquitto


@pytest.fixture
def config(broker: Mosquitto, tmp_path: Path) -> Path:
    path = tmp_path / "starling.toml"
    path.write_text(
        f'node = "pi-emulated"\n[broker]\nhost = "127.0.0.1"\nport = {broker.port}\n[http]\nport = 0\n'
        '[model]\npath = "fast"\ninterpreters = 1\nthreads = 1\n'
    )
    return path


@contextlib.asynccontextmanager
async def _service(installation: Installation, config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    command = installation.command(PI_4, "-m", "stream", "run", "--config", str(config))
    process = await asyncio.create_subprocess_exec(*command, env=installation.environment())
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _read_labels(client: aiomqtt.Client, labelled: set[str], enough: int) -> None:
    async for message in client.messages:
        labelled.add(json.loads(bytes(message.payload))["id"])
        if len(labelled) >= enough:
            return


@pytest.mark.timeout(3 * PATIENCE_SECONDS)
async def test_no_tweet_is_lost_when_the_service_is_killed_in_between(
    installation: Installation, broker: Mosquitto, config: Path
) -> None:
    labelled: set[str] = set()
    expected = {str(number) for number in range(TWEETS)}
    async with aiomqtt.Client("127.0.0.1", broker.port) as client, asyncio.timeout(2 * PATIENCE_SECONDS):
        await client.subscribe("starling/pi-emulated/status", qos=1)
        async with _service(installation, config) as first:
            async for message in client.messages:
                if message.payload == b"online":
                    break
            await client.unsubscribe("starling/pi-emulated/status")
            await client.subscribe("tweets/polarity", qos=1)
            for tweet in sorted(expected):
                text = f"What a lovely day number {tweet} this is"
                await client.publish("tweets/in", json.dumps({"id": tweet, "text": text}), qos=1)
            await _read_labels(client, labelled, LABELLED_BEFORE_THE_KILL)
            first.send_signal(signal.SIGKILL)
            await first.wait()
        async with _service(installation, config):
            await _read_labels(client, labelled, TWEETS)

    assert labelled == expected


async def test_check_finds_nothing_wrong(installation: Installation, config: Path) -> None:
    command = installation.command(PI_4, "-m", "stream", "check", "--config", str(config), "--json")
    process = await asyncio.create_subprocess_exec(
        *command, env=installation.environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()

    assert process.returncode == 0, (out + err).decode()
