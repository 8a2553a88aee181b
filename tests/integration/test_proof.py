"""Readiness: a node is ready only while its messages to itself arrive, which prove that tweets can arrive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from stream.commands.demo.embedded_broker import embedded_broker
from stream.errors import BrokerError
from stream.session.broker_check import check_broker
from stream.settings import Settings
from tests.integration.mosquitto import PROGRAM, Mosquitto, password_options
from tests.integration.probe import probing, serving, settings_for

pytestmark = [pytest.mark.broker, pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed")]
EVERYTHING = "user node\ntopic readwrite #\n"
NOT_TWEETS = "user node\ntopic readwrite tweets/polarity\ntopic write tweets/in\ntopic readwrite starling/#\n"
OFTEN = {"proof_seconds": 0.05, "timeout_seconds": 0.5}


@asynccontextmanager
async def ready_page(settings: Settings) -> AsyncIterator[str]:
    """Run a service, and yield the URL of its /readyz."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with serving(settings, address.set_result):
        yield f"{await address}/readyz"


async def until_ready(page: str, status: int, text: str = "") -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(page) as answer:
                if answer.status == status and text in await answer.text():
                    return
            await asyncio.sleep(0.01)


class BrokerWithRules:
    """A broker with access rules for one user."""

    def __init__(self, folder: Path, rules: str) -> None:
        self._folder = folder
        (folder / "password").write_text("secret\n")
        self.broker = Mosquitto(folder, password_options(folder, {"node": "secret"}, rules))

    def settings(self, **broker: Any) -> Settings:
        user = {"username": "node", "password_file": self._folder / "password"}
        return settings_for(self.broker.port, broker=user | OFTEN | broker)

    def allow(self, rules: str) -> None:
        (self._folder / "rules").write_text(rules)
        self.broker.reload()


@pytest.mark.parametrize("group", [None, "kitchen"])
async def test_a_node_is_not_ready_while_its_read_rule_is_revoked(tmp_path: Path, group: str | None) -> None:
    ruled = BrokerWithRules(tmp_path, EVERYTHING)
    with ruled.broker:
        async with ready_page(ruled.settings(group=group)) as page:
            await until_ready(page, 200)
            ruled.allow(NOT_TWEETS)
            await until_ready(page, 503, "delivers nothing: check that this user may read there")
            ruled.allow(EVERYTHING)
            await until_ready(page, 200)


async def test_a_node_that_may_not_publish_tweets_is_ready(tmp_path: Path) -> None:
    rules = "user node\ntopic read tweets/in\ntopic readwrite tweets/polarity\ntopic readwrite starling/#\n"
    ruled = BrokerWithRules(tmp_path, rules)
    with ruled.broker:
        async with ready_page(ruled.settings()) as page:
            await asyncio.sleep(0)
            await until_ready(page, 200)
        assert "delivers tweets/in" not in await check_broker(ruled.settings())


async def test_check_names_a_missing_read_rule(tmp_path: Path) -> None:
    ruled = BrokerWithRules(tmp_path, NOT_TWEETS)
    with ruled.broker, pytest.raises(BrokerError, match="grants the subscription to tweets/in and delivers nothing"):
        await check_broker(ruled.settings())


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_check_reports_that_a_suitable_broker_works(broker: Mosquitto, protocol: str) -> None:
    says = await check_broker(settings_for(broker.port, broker={"protocol": protocol, "group": "kitchen"}))
    assert f"over MQTT {protocol}, keeps messages for an absent node, shares tweets in a group, delivers" in says


async def test_a_group_is_not_ready_on_a_broker_without_shared_subscriptions() -> None:
    async with embedded_broker() as port:
        settings = settings_for(port, broker=OFTEN | {"group": "kitchen", "protocol": "3.1.1"})
        async with ready_page(settings) as page:
            await until_ready(page, 503, "delivers nothing to the shared subscription of group 'kitchen'")


async def test_proof_messages_are_neither_labelled_nor_rejected(broker: Mosquitto) -> None:
    settings = settings_for(broker.port, broker=OFTEN)
    async with probing(settings, "tweets/in") as probe, serving(settings):
        await probe.until(lambda: len(probe.on("tweets/in")) >= 3)
        await probe.tweet("1")
        await probe.label_of("1")
    assert not probe.rejections
