"""Trials of one broker with one version of MQTT: tweets while the node is killed, a group of two nodes, the check.

The tweets come in two halves. The first part of a half arrives while the node labels it; in its middle the node is
killed. The second part arrives while the node is absent. So a broker that keeps nothing for an absent session loses at
least half of the tweets, and the count does not depend on the speed of the machine.
"""

import asyncio
import contextlib
import json
import re
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson

from stream.errors import BrokerError, leaves
from stream.mqtt.connection import Connection
from stream.mqtt.publishing import publish_all
from stream.settings import Settings
from tests.brokers.programs import LOGIN, Broker
from tests.chaos.result_counter import ResultCounter
from tests.integration.probe import settings_for, write_config
from tests.integration.program import Node, finished

TWEETS = 500
PROTOCOLS = ("5", "3.1.1")
_KILLS = 2
_RESULTS_BEFORE_KILL = 50
_GROUP_TWEETS = 100
_TRIAL_SECONDS = 180.0
_READY_SECONDS = 45.0
_STRAGGLER_SECONDS = 10.0
_PROOF_TIMEOUT_SECONDS = 5.0
_POLL_SECONDS = 0.05
_LAST = "last"
Names = Sequence[str]


@dataclass(frozen=True)
class Delivery:
    """The count of one trial with kills.

    Attributes:
        tweets: Published tweets.
        lost: Tweets without a label or a rejection.
        repeated: Tweets with more than one.
        complete: Whether every step of the trial took place; if not, something that was awaited did not happen.
    """

    tweets: int
    lost: int
    repeated: int
    complete: bool


@dataclass(frozen=True)
class Checked:
    """The result of `starling check` for the broker."""

    works: bool
    says: str


@dataclass(frozen=True)
class Sharing:
    """The result for a group of two nodes.

    Attributes:
        works: Whether both were ready, and every tweet was labelled once.
        says: The counts; or the reason why a node was not ready.
        check: The result of `starling check` with a group.
    """

    works: bool
    says: str
    check: Checked


async def speaks(settings: Settings) -> bool:
    """Return whether the broker accepts the settings' version of MQTT."""
    try:
        async with Connection(settings.broker):
            return True
    except BrokerError:
        return False


async def chosen_protocol(settings: Settings) -> str:
    """Return the version that `auto` chooses.

    Raises:
        BrokerError: It finds none.
    """
    broker = settings.broker.model_copy(update={"protocol": "auto"})
    async with Connection(broker) as connection:
        return connection.protocol


def trial_settings(broker: Broker, port: int, folder: Path, model: Path, protocol: str) -> Settings:
    """Return the settings of the trial's node; the folder gets the password."""
    login = {}
    if broker.wants_login:
        password = folder / "password"
        password.touch(mode=0o600)
        password.write_text(f"{LOGIN[1]}\n")
        login = {"username": LOGIN[0], "password_file": password}
    return settings_for(port, broker={"protocol": protocol, "wait_at_start": True, **login}, model={"path": model})


async def check(settings: Settings, folder: Path) -> Checked:
    """Run `starling check`, and return what it found about the broker."""
    config = write_config(folder, settings, http_port=0)
    _, out, err = await finished("check", "--json", "--config", config)
    parts = {part["part"]: part for part in json.loads(out)["parts"]} if out else {}
    if "broker" not in parts:
        return Checked(works=False, says=err.strip())
    return Checked(parts["broker"]["works"], _without_address_and_time(parts["broker"]["says"]))


def _without_address_and_time(says: str) -> str:
    """Leave out the port and the time of a round trip, which differ from run to run."""
    return re.sub(r"broker 127\.0\.0\.1:\d+: |127\.0\.0\.1:\d+ | in [\d.]+ ms", "", says)


async def deliver(
    settings: Settings, folder: Path, tweets: int = TWEETS, *, straggler_seconds: float = _STRAGGLER_SECONDS
) -> Delivery:
    """Publish tweets, kill the node twice meanwhile, and count the results.

    Args:
        settings: The node's.
        folder: An empty folder.
        tweets: How many.
        straggler_seconds: The time for a missing tweet after one that was published later.
    """
    ids = [str(number) for number in range(tweets)]
    counter = ResultCounter(settings)
    node = Node(write_config(folder, settings, http_port=0), folder / "node.log")
    complete = False
    try:
        async with asyncio.timeout(_TRIAL_SECONDS), counter.open(), node:
            await ready(node)
            for number in range(_KILLS):
                await _publish_and_kill(counter, node, settings, ids[number * tweets // _KILLS :][: tweets // _KILLS])
            await _until_all_came(counter, settings, ids, straggler_seconds)
            complete = True
    except* (TimeoutError, BrokerError, NotReadyError) as errors:
        print("; ".join(str(error) or "no result within the time" for error in leaves(errors)), file=sys.stderr)  # noqa: T201
    return Delivery(tweets, len(counter.lost(ids)), len(counter.repeated(ids)), complete)


async def _publish_and_kill(counter: ResultCounter, node: Node, settings: Settings, ids: Names) -> None:
    present, absent = ids[: len(ids) // 2], ids[len(ids) // 2 :]
    publishing = asyncio.create_task(_publish(settings, present))
    await counter.until(
        lambda: len(set(present) - counter.lost(present)) >= min(_RESULTS_BEFORE_KILL, len(present) // 2)
    )
    await node.kill()
    await publishing
    await _publish(settings, absent)
    await node.start()
    await ready(node)


async def _until_all_came(counter: ResultCounter, settings: Settings, ids: Names, straggler_seconds: float) -> None:
    """Wait for the results of all tweets; after that of a last one, published now, only for a while."""
    await _publish(settings, [_LAST])
    await counter.until(lambda: not counter.lost([_LAST]))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(straggler_seconds):
            await counter.until(lambda: not counter.lost(ids))


async def _publish(settings: Settings, ids: Names) -> None:
    messages = (orjson.dumps({"id": tweet_id, "text": f"lovely street number {tweet_id}"}) for tweet_id in ids)
    async with Connection(settings.broker) as client:
        await publish_all(client, settings.topics.tweet_topics[0], messages)


async def share(settings: Settings, folder: Path, tweets: int = _GROUP_TWEETS) -> Sharing:
    """Run two nodes of a group, publish tweets, and count the results.

    Args:
        settings: A node's, without a group.
        folder: An empty folder.
        tweets: How many.
    """
    broker = settings.broker.model_copy(update={"group": "kitchen", "timeout_seconds": _PROOF_TIMEOUT_SECONDS})
    settings = settings.model_copy(update={"broker": broker})
    checked = await check(settings, folder)
    ids = [f"group-{number}" for number in range(tweets)]
    counter = ResultCounter(settings, identifier="group-result-counter")
    says = ""
    try:
        async with asyncio.timeout(_TRIAL_SECONDS), counter.open(), _two_nodes(settings, folder) as nodes:
            for node in nodes:
                await ready(node)
            await _publish(settings, ids)
            says = await _all_came_or_not_ready(counter, ids, nodes)
    except* (TimeoutError, BrokerError, NotReadyError) as errors:
        says = "; ".join(str(error) or "no result within the time" for error in leaves(errors))
    lost, repeated = len(counter.lost(ids)), len(counter.repeated(ids))
    works = not (says or lost or repeated)
    return Sharing(works, says or f"{tweets} tweets, {lost} lost, {repeated} repeated", checked)


async def _all_came_or_not_ready(counter: ResultCounter, ids: Names, nodes: Sequence[Node]) -> str:
    """Wait until every tweet has its result, or a node says that it is not ready; returns the node's reason."""
    came = asyncio.create_task(counter.until(lambda: not counter.lost(ids)))
    not_ready = [asyncio.create_task(_not_ready(node)) for node in nodes]
    try:
        done, _ = await asyncio.wait((came, *not_ready), return_when=asyncio.FIRST_COMPLETED)
        return next((task.result() for task in not_ready if task in done), "")
    finally:
        for task in (came, *not_ready):
            task.cancel()


@contextlib.asynccontextmanager
async def _two_nodes(settings: Settings, folder: Path) -> AsyncIterator[tuple[Node, ...]]:
    nodes = []
    async with contextlib.AsyncExitStack() as running:
        for name in ("first", "second"):
            place = folder / name
            place.mkdir()
            config = write_config(place, settings.model_copy(update={"node": name}), http_port=0)
            nodes.append(await running.enter_async_context(Node(config, place / "node.log")))
        yield tuple(nodes)


class NotReadyError(Exception):
    """A node that is not ready; the message says why."""


async def ready(node: Node) -> None:
    """Wait until the node is ready to label.

    Raises:
        NotReadyError: It says why no tweet can arrive, or is not ready after a while.
    """
    missing: list[str] = []
    try:
        async with asyncio.timeout(_READY_SECONDS):
            async for missing in _readiness(node):
                if not missing:
                    return
    except TimeoutError:
        raise NotReadyError("; ".join(missing) or "the node does not answer") from None


async def _not_ready(node: Node) -> str:
    """Wait until the node is connected and says why it is not ready all the same."""
    async for missing in _readiness(node):
        if missing and not any("the broker is not connected" in reason for reason in missing):
            return "; ".join(missing)
    raise AssertionError("the node is always asked again")


async def _readiness(node: Node) -> AsyncIterator[list[str]]:
    """Yield the reasons why the node is not ready, asked again and again."""
    async with aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with session.get(f"{node.address}/readyz") as answer:
                    missing = list((await answer.json())["missing"])
                yield missing
            await asyncio.sleep(_POLL_SECONDS)  # a page gives no sign when it changes
