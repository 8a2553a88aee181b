"""Several nodes that share the tweets of one broker, each with a throughput that the test sets."""

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from stream.model.loading import Model, load_model
from stream.mqtt.connection import Connection
from stream.mqtt.publishing import publish_all
from stream.session.topics import ALL_GROUP_TOPICS, node_of
from stream.settings import ModelSettings, Settings
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import Probe, probing, serving, settings_for
from tests.unit.waiting import until

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("paced")]


class PacedClassifier:
    """A classifier that waits a fixed time for each tweet without CPU load, so that two cores can run many nodes."""

    def __init__(self, seconds_per_tweet: float) -> None:
        self._seconds_per_tweet = seconds_per_tweet

    def bucket(self, length: int) -> int:  # noqa: ARG002
        return 80

    def probabilities(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        time.sleep(self._seconds_per_tweet * len(batch))
        return np.full((len(batch), 3), 1 / 3, dtype=np.float32)


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the name of a node's model path as its time for a tweet, in milliseconds."""
    shipped = load_model(ModelSettings(interpreters=1))

    def load(settings: ModelSettings) -> Model:
        assert settings.path
        classifier: Any = PacedClassifier(int(settings.path.name) / 1000)
        return Model(shipped.bundle, shipped.tokenizer, [classifier], shipped.clean)

    monkeypatch.setattr("stream.labelling.model_swap.load_model", load)


def node(broker: Mosquitto, name: str, milliseconds: int, **options: Any) -> Settings:
    options = {"group": "fleet", "receive_maximum": 16, "behind_seconds": 0.5} | options
    model = {"path": Path(str(milliseconds)), "max_batch": 4}
    return settings_for(broker.port, node=name, broker=options, model=model)


@contextlib.asynccontextmanager
async def fleet(*nodes: Settings) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for settings in nodes:
            await stack.enter_async_context(serving(settings))
        yield


async def send_and_await(probe: Probe, ids: set[str], rate: float = 0.0) -> None:
    messages = (orjson.dumps({"id": tweet_id, "text": "hello there"}) for tweet_id in sorted(ids))
    async with Connection(probe.client.settings) as sender:
        await publish_all(sender, probe.topics.tweet_topics[0], messages, rate=rate)
        await probe.until(lambda: set(probe.labelled_ids()) >= ids)


def by_node(probe: Probe) -> Counter[str]:
    return Counter(label["node"] for label in probe.labels)


def has_labelled(probe: Probe, name: str, tweets: int) -> bool:
    """Return whether a node has labelled at least so many tweets."""
    return by_node(probe)[name] >= tweets


async def test_nodes_of_a_group_together_label_each_tweet_once(broker: Mosquitto) -> None:
    nodes = [node(broker, name, 5) for name in "abc"]
    ids = {f"t{number}" for number in range(300)}
    async with fleet(*nodes), probing(nodes[0]) as probe:
        await send_and_await(probe, ids)
    assert sorted(probe.labelled_ids()) == sorted(ids)
    assert set(by_node(probe)) == set("abc")


async def test_a_slow_node_leaves_the_group_and_returns(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    fast, slow = node(broker, "fast", 5), node(broker, "slow", 60)
    ids = {f"t{number}" for number in range(600)}
    async with fleet(fast, slow), probing(fast) as probe:
        await send_and_await(probe, ids, rate=100)
        shares = by_node(probe)
        await until(lambda: "back in the group" in caplog.text)
        more = {f"later{number}" for number in range(20)}
        await send_and_await(probe, more, rate=10)
    assert sorted(probe.labelled_ids()) == sorted(ids | more)
    assert "behind: leaving the group to fast" in caplog.text
    assert shares["slow"] < shares["fast"]  # with equal turns each would have half of them
    assert by_node(probe)["slow"] > shares["slow"]


async def test_at_least_one_node_stays_while_all_are_behind(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    nodes = [node(broker, name, 20, behind_seconds=0.2) for name in "abc"]
    ids = {f"t{number}" for number in range(600)}
    async with fleet(*nodes), probing(nodes[0], ALL_GROUP_TOPICS) as probe:
        await send_and_await(probe, ids, rate=250)
        behind = {node_of(message.topic) for message in probe.on(ALL_GROUP_TOPICS) if b"behind" in message.payload}
    assert sorted(probe.labelled_ids()) == sorted(ids)
    assert behind == set("abc")
    assert 0 < largest_number_of_absent_nodes(caplog) < len(nodes)


def largest_number_of_absent_nodes(caplog: pytest.LogCaptureFixture) -> int:
    """Return the largest number of nodes that had left the group at the same time."""
    changes = {"behind: leaving the group": 1, "caught up: back in the group": -1}
    steps = [step for record in caplog.records for text, step in changes.items() if text in record.getMessage()]
    return max(itertools.accumulate(steps), default=0)


async def test_no_tweet_is_lost_when_nodes_join_and_leave_under_load(broker: Mosquitto) -> None:
    stays = node(broker, "stays", 5)
    ids: list[str] = []
    all_have_left = asyncio.Event()

    def tweets() -> Iterator[bytes]:
        """Make tweets until the nodes have joined and left, however long that takes."""
        while not all_have_left.is_set():
            ids.append(f"t{len(ids)}")
            yield orjson.dumps({"id": ids[-1], "text": "hello there"})

    async with fleet(stays), probing(stays) as probe, Connection(stays.broker) as sender:
        async with asyncio.TaskGroup() as tasks:
            load = publish_all(sender, probe.topics.tweet_topics[0], tweets(), rate=100)
            tasks.create_task(load, name="load")
            for name in ("first", "second"):
                async with fleet(node(broker, name, 5)):
                    await probe.until(partial(has_labelled, probe, name, tweets=50))
            all_have_left.set()
        await probe.until(lambda: set(probe.labelled_ids()) >= set(ids))
    assert sorted(probe.labelled_ids()) == sorted(ids)
    assert set(by_node(probe)) == {"stays", "first", "second"}


async def test_three_nodes_label_nearly_three_times_as_fast_as_one(broker: Mosquitto) -> None:
    nodes = [node(broker, name, 20, behind_seconds=3600) for name in "abc"]  # no node leaves, even on a slow machine
    ids = {f"t{number}" for number in range(300)}
    async with fleet(*nodes), probing(nodes[0]) as probe:
        await send_and_await(probe, ids)
    # Each takes the same time for a tweet, so the node with the most tweets determines the total time.
    assert max(by_node(probe).values()) <= len(ids) / 2.7
