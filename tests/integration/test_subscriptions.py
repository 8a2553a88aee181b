"""Changes of a node's group or topics: each tweet is labelled once."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest

from stream.session.subscriptions import read_remembered
from stream.settings import Settings
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for

pytestmark = [pytest.mark.broker, pytest.mark.parametrize("protocol", ["5", "3.1.1"])]
IDS = {str(number) for number in range(100)}
GROUPS = [None, "attic", "kitchen"]


def node(broker: Mosquitto, protocol: str, group: str | None = None, **topics: Any) -> Settings:
    return settings_for(broker.port, broker={"protocol": protocol, "group": group}, topics=topics)


async def until_remembered(settings: Settings, topics: set[str]) -> None:
    while await read_remembered(settings) != topics:  # noqa: ASYNC110  (the broker gives no event)
        await asyncio.sleep(0.01)


async def test_after_a_change_of_group_each_tweet_is_labelled_once(broker: Mosquitto, protocol: str) -> None:
    for group in GROUPS[:-1]:
        async with serving(node(broker, protocol, group)):
            pass
    settings = node(broker, protocol, GROUPS[-1])
    async with serving(settings), probing(settings) as probe:
        await until_remembered(settings, {"$share/kitchen/tweets/in", "$share/kitchen/starling/test/tweets"})
        await probe.tweets(IDS)
        await probe.tweet("last")
        await probe.label_of("last")
        await probe.until(lambda: len(probe.labels) > len(IDS))
    assert sorted(probe.labelled_ids()) == sorted({*IDS, "last"})


async def test_after_a_change_of_topics_only_the_new_topics_are_labelled(broker: Mosquitto, protocol: str) -> None:
    async with serving(node(broker, protocol, tweets=["tweets/a", "tweets/b"])):
        pass
    settings = node(broker, protocol, tweets=["tweets/b", "tweets/c"])
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(settings))
        probe = await stack.enter_async_context(probing(settings))
        await until_remembered(settings, {"tweets/b", "tweets/c", "starling/test/tweets"})
        for level in "abc":
            tweet = orjson.dumps({"id": level, "text": "what a day"})
            await probe.client.publish_confirmed(f"tweets/{level}", tweet)
        await probe.label_of("b")
        await probe.label_of("c")
    assert sorted(probe.labelled_ids()) == ["b", "c"]


async def test_tweets_that_wait_in_a_former_subscription_are_labelled(broker: Mosquitto, protocol: str) -> None:
    former, now = node(broker, protocol), node(broker, protocol, "kitchen")
    async with serving(former):
        pass
    async with probing(former) as probe:
        await probe.tweets(IDS)
        async with serving(now):
            await probe.until(lambda: set(probe.labelled_ids()) == IDS)


async def test_a_tweet_for_one_node_of_a_group_is_labelled_by_that_node(broker: Mosquitto, protocol: str) -> None:
    nodes = [
        settings_for(broker.port, node=name, broker={"protocol": protocol, "group": "kitchen"}) for name in "abcde"
    ]
    async with AsyncExitStack() as stack:
        for settings in nodes:
            await stack.enter_async_context(serving(settings))
        probe = await stack.enter_async_context(probing(nodes[0]))
        for settings in nodes:
            tweet = orjson.dumps({"id": settings.node, "text": "what a day"})
            await probe.client.publish_confirmed(f"starling/{settings.node}/tweets", tweet)
        await probe.until(lambda: len(probe.labels) == len(nodes))
    assert {label["id"]: label["node"] for label in probe.labels} == {name: name for name in "abcde"}
