"""`starling probe`: a check, through the broker, that a node labels tweets."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import orjson
import pytest

from stream.mqtt.connection import Connection
from stream.mqtt.packets import Message
from stream.settings import Settings
from tests.integration.mosquitto import Mosquitto, password_options
from tests.integration.probe import probing, serving, settings_for, write_config
from tests.integration.program import STARLING, finished

pytestmark = pytest.mark.broker
CALLED = "called a cheerful tweet positive and a gloomy tweet negative"


async def test_probe_reports_a_node_that_labels(broker: Mosquitto, tmp_path: Path) -> None:
    settings = settings_for(broker.port)
    config = write_config(tmp_path, settings, http_port=0)

    async with serving(settings):
        code, out, err = await finished("probe", "--config", config)

    assert (code, out, err) == (0, f"{settings.node} {CALLED}\n", "")


async def test_probe_takes_the_password_from_its_standard_input_for_both_connections(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, password_options(tmp_path, {"prober": "secret"})) as broker:
        password = tmp_path / "prober.password"
        password.write_text("secret\n")
        settings = settings_for(broker.port, broker={"username": "prober", "password_file": password})
        prober = settings_for(broker.port, broker={"username": "prober", "password_file": Path("/dev/stdin")})
        command = [*STARLING, "probe", "--config", write_config(tmp_path, prober, http_port=0)]
        async with serving(settings):
            run = partial(subprocess.run, command, input="secret", text=True, capture_output=True, check=False)
            probed = await asyncio.to_thread(run)

    assert (probed.returncode, probed.stdout) == (0, f"{settings.node} {CALLED}\n"), probed.stderr


async def test_probe_reaches_the_named_node_of_a_group(broker: Mosquitto, tmp_path: Path) -> None:
    one, other = (settings_for(broker.port, node=name, broker={"group": "two"}) for name in ("one", "other"))
    config = write_config(tmp_path, other, http_port=0)

    async with serving(one), serving(other):
        answers = [await finished("probe", "--config", config) for _ in range(2)]

    assert answers == [(0, f"other {CALLED}\n", "")] * 2


async def test_probe_reports_that_an_offline_node_does_not_label(broker: Mosquitto, tmp_path: Path) -> None:
    config = write_config(tmp_path, settings_for(broker.port), http_port=0)

    code, out, err = await finished("probe", "--config", config, "--seconds", "1")

    assert (code, out) == (69, "")
    assert err.startswith("starling: ")
    assert "has not labelled the cheerful tweet and the gloomy tweet" in err


async def test_probe_reaches_a_node_of_a_large_group_with_two_tweets(broker: Mosquitto, tmp_path: Path) -> None:
    """On the topic of all tweets, 50 members each need 25 tweets on average."""
    settings = settings_for(broker.port, node="node-0", broker={"group": "many"})
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(settings))
        for number in range(1, 50):
            await stack.enter_async_context(_member(settings, number))
        probe = await stack.enter_async_context(probing(settings, "tweets/in", "starling/+/tweets"))
        answer = await finished("probe", "--config", write_config(tmp_path, settings, http_port=0))
        await probe.until(lambda: len(probe.labels) >= 2)

    assert answer == (0, f"node-0 {CALLED}\n", "")
    assert (len(probe.on("tweets/in")), len(probe.on("starling/node-0/tweets"))) == (0, 2)


@asynccontextmanager
async def _member(settings: Settings, number: int) -> AsyncIterator[None]:
    """Take a share of the group's tweets, without labelling them."""
    async with Connection(settings.broker, identifier=f"member-{number}") as member:
        member.deliver_to(member.acknowledge)
        await member.subscribe_confirmed("$share/many/tweets/in")
        yield


async def test_probe_uses_the_topic_of_all_tweets_if_it_may_not_write_to_the_nodes_own(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    own = "status group subscriptions check".split()  # noqa: SIM905
    topics = ["readwrite tweets/#", "read starling/+/tweets", *(f"readwrite starling/+/{topic}" for topic in own)]
    rules.write_text("".join(f"topic {topic}\n" for topic in topics))
    options = f"allow_anonymous true\nacl_file {rules}"
    with Mosquitto(tmp_path, options) as broker:
        settings = settings_for(broker.port, broker={"proof_seconds": 0})
        async with serving(settings):
            answer = await finished("probe", "--config", write_config(tmp_path, settings, http_port=0))

    assert answer[0] == 0, answer


async def test_probe_fails_a_node_that_gives_opposite_tweets_the_same_label(broker: Mosquitto, tmp_path: Path) -> None:
    settings = settings_for(broker.port)
    label = {"node": settings.node, "polarity": "negative"}
    async with Connection(settings.broker) as impostor:

        def answer(message: Message) -> None:
            payload = orjson.dumps(label | {"id": orjson.loads(message.payload)["id"]})
            impostor.acknowledge(message)
            tasks.append(asyncio.ensure_future(impostor.publish_confirmed(settings.topics.labels, payload)))

        tasks: list[asyncio.Future[None]] = []
        impostor.deliver_to(answer)
        await impostor.subscribe_confirmed(f"starling/{settings.node}/tweets")
        code, out, err = await finished("probe", "--config", write_config(tmp_path, settings, http_port=0))
        await asyncio.gather(*tasks)

    assert (code, out) == (1, "")
    assert "its model gives the same label to opposite tweets" in err
