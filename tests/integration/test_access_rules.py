"""The access rules in SECURITY.md: each user can do its own task and nothing else."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.errors import PublicationRefusedError
from stream.mqtt.connection import Connection
from stream.service import Service
from stream.session.topics import ONLINE
from stream.settings import Settings
from tests.integration.mosquitto import PROGRAM, Mosquitto, password_options
from tests.integration.probe import probing, settings_for
from tests.integration.program import finished

pytestmark = [pytest.mark.broker, pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed")]
NODE, SENDER, READER = "pi-kitchen", "collector", "reader"


def access_rules() -> str:
    security = Path(__file__).parents[2] / "SECURITY.md"
    found = re.search(r"^```\n(# The node .*?)^```$", security.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


class Users:
    """A broker with the access rules, and the credentials of its users."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self._folder = folder
        self._port = broker.port

    def settings(self, user: str, group: str | None = None) -> Settings:
        password_file = self._folder / f"{user}.password"
        password_file.write_text(f"{user}'s password\n")
        broker = {"username": user, "password_file": password_file, "group": group}
        return settings_for(self._port, broker=broker, node=NODE)


@pytest.fixture
def users(tmp_path: Path) -> Iterator[Users]:
    passwords = {user: f"{user}'s password" for user in (NODE, SENDER, READER)}
    with Mosquitto(tmp_path, password_options(tmp_path, passwords, access_rules())) as broker:
        yield Users(tmp_path, broker)


@pytest.mark.parametrize("group", [None, "kitchen"])
async def test_with_the_rules_a_tweet_is_labelled_and_answered(users: Users, group: str | None) -> None:
    service = Service(users.settings(NODE, group))
    async with asyncio.TaskGroup() as tasks:
        async with (
            probing(users.settings(READER)) as reader,
            probing(users.settings(SENDER), "replies/collector/#") as sender,
        ):
            tasks.create_task(service.run())
            await reader.until(lambda: ONLINE in reader.status)
            await sender.send(b'{"id":"1","text":"what a day"}', response_topic="replies/collector/me")
            await sender.send(b"garbage")
            await sender.until(lambda: sender.on("replies/collector/me"))
            await reader.until(lambda: reader.labels and reader.rejections)
        service.stop()


async def test_with_the_rules_check_reports_that_the_broker_works(users: Users, tmp_path: Path) -> None:
    settings = users.settings(NODE)
    broker = settings.broker
    config = tmp_path / "starling.toml"
    config.write_text(
        f'node = "{NODE}"\n[broker]\nhost = "{broker.host}"\nport = {broker.port}\nusername = "{NODE}"\n'
        f'password_file = "{broker.password_file}"\n[http]\nport = 0\n'
    )
    _, out, _ = await finished("check", "--config", config, "--json")
    assert {part["part"]: part["works"] for part in json.loads(out)["parts"]}["broker"]


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        (SENDER, "tweets/polarity"),
        (SENDER, "tweets/rejected"),
        (SENDER, "starling/pi-kitchen/status"),
        (SENDER, "starling/made-up/group"),
        (SENDER, "replies/another/me"),
        (READER, "tweets/in"),
        (READER, "tweets/polarity"),
        (NODE, "tweets/in"),
        (NODE, "starling/another/status"),
    ],
)
async def test_the_rules_forbid_publishing_on_topics_of_other_users(users: Users, user: str, topic: str) -> None:
    async with Connection(users.settings(user).broker) as client:
        with pytest.raises(PublicationRefusedError, match="Not authorized"):
            await client.publish_confirmed(topic, b"{}")


async def test_the_rules_forbid_a_sender_to_read_tweets_of_other_senders(users: Users) -> None:
    async with (
        probing(users.settings(NODE), "tweets/in") as node,
        probing(users.settings(SENDER), "tweets/#", "replies/#") as sender,
    ):
        await sender.send(b'{"id":"1","text":"what a day"}')
        await node.until(lambda: node.on("tweets/in"))
        await node.client.publish_confirmed("tweets/polarity", b'{"id":"1"}')
        await node.client.publish_confirmed("replies/collector/me", b"the last")
        await sender.until(lambda: sender.on("replies/collector/me"))
    assert [message.topic for message in sender.messages] == ["replies/collector/me"]
