"""Malformed messages to a running service: each gets one result, the session lasts, and the next tweet is labelled."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.mqtt.packets import Headers
from stream.session.topics import ONLINE
from tests.integration.mosquitto import PROGRAM, Mosquitto
from tests.integration.probe import Probe, probing, serving, settings_for
from tests.unit.tweets.bad_input import HIDDEN, SHAPES, WRONG, wrong_messages

pytestmark = [pytest.mark.broker, pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed")]
MESSAGES = [payload for shape in SHAPES.values() for _, payload in wrong_messages(shape)]
NAMES = st.sampled_from(["specversion", "type", "source", "id", "entity", "lang", "traceparent", "tracestate"])
# Control characters make Mosquitto end the sender's connection.
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cn", "Cs"]), max_size=40)
HEADERS = st.none() | st.builds(
    Headers,
    st.none() | TEXTS | st.sampled_from(["application/json", "application/cloudevents+json", "application/avro"]),
    st.lists(st.tuples(NAMES | TEXTS, TEXTS | st.just("1.0")), max_size=8).map(tuple),
)
ODD_IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=140).map(
    lambda tweet_id: orjson.dumps({"id": tweet_id, "text": HIDDEN})
)
BATCHES = st.lists(st.tuples(st.sampled_from(MESSAGES) | ODD_IDS | st.binary(max_size=200), HEADERS), max_size=60)


class Node:
    """A running service and a client of its broker."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._sent = 0

    async def check(self, batch: list[tuple[bytes, Headers | None]]) -> None:
        """Send malformed messages and a tweet, and wait for one result of each."""
        for payload, headers in [*batch, (b'{"id":"next","text":"what a lovely day"}', None)]:
            await self._probe.send(payload, headers=headers)
            self._sent += 1
        await self._probe.until(lambda: len(self._probe.labels) + len(self._probe.rejections) >= self._sent)
        assert len(self._probe.labels) + len(self._probe.rejections) == self._sent
        assert self._probe.status == [ONLINE]  # the session was not lost
        assert not any(HIDDEN in rejection["detail"] for rejection in self._probe.rejections)


@asynccontextmanager
async def running(port: int, kind: str) -> AsyncIterator[Node]:
    node = settings_for(port, labels={"format": kind})
    async with serving(node), probing(node) as probe:
        yield Node(probe)


@pytest.fixture(params=["json", "cloudevents-binary"])
def runner_and_node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[asyncio.Runner, Node]]:
    with Mosquitto(tmp_path, log_type="error") as broker, asyncio.Runner() as runner:
        entered: Any = running(broker.port, request.param)
        node = runner.run(entered.__aenter__())
        yield runner, node
        runner.run(entered.__aexit__(None, None, None))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=BATCHES)
def test_each_malformed_message_gets_one_result_and_the_next_tweet_is_labelled(
    runner_and_node: tuple[asyncio.Runner, Node], batch: list[tuple[bytes, Headers | None]]
) -> None:
    runner, node = runner_and_node
    runner.run(node.check(batch))


def test_each_wrong_value_alone_gets_one_result(runner_and_node: tuple[asyncio.Runner, Node]) -> None:
    runner, node = runner_and_node
    alone: list[tuple[bytes, Headers | None]] = [(value, None) for value in WRONG.values()]
    runner.run(node.check([*alone, (b'{"id":"1","text":"' + b"a" * 1_000_000 + b'"}', None)]))
