"""A feeder on the hub: installed without a network, fed by a local Jetstream, labelled by the nodes, and removed."""

import asyncio
import contextlib
import hashlib
import shutil
import sys
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson

from stream.mqtt.connection import Connection
from stream.settings import BrokerSettings
from tests.feed.posts import jetstream_commit
from tests.fleet import network
from tests.fleet.conftest import Fleet
from tests.fleet.image import CHECKOUT
from tests.fleet.playbooks import NODES, SECRETS, Outcome

_REMAINS = """
ls -d /opt/starling-feed /etc/starling-feed /var/lib/starling-feed /etc/systemd/system/starling-feed.service 2>&-
getent passwd starling-feed
systemctl list-unit-files --no-legend 'starling-feed*'
"""
_POSTS = 20_000
_NUMBERS = {
    f"bluesky/{hashlib.sha256(address.encode()).hexdigest()[:32]}": number
    for number, commit in enumerate(map(jetstream_commit, range(_POSTS)))
    for address in [f"at://{commit['did']}/app.bsky.feed.post/{commit['rkey']}"]
}
"""Number of each post of the local Jetstream, by the id that the feeder gives it."""


@contextlib.asynccontextmanager
async def jetstream() -> AsyncIterator[dict[str, Any]]:
    """Serve ten invented posts a second; yields the variables of a feeder that reads them."""
    command = [sys.executable, "-m", "tests.feed", "serve", "--host", network.CONTROLLER_ADDRESS]
    server = await asyncio.create_subprocess_exec(
        *command, "--posts", str(_POSTS), cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout
        address = (await server.stdout.readline()).decode().strip()
        yield {"starling_feed_settings": {"bluesky": {"instances": [address]}}}
    finally:
        server.terminate()
        await server.wait()


class Labels:
    """Numbers of the posts whose labels have arrived, and the nodes that labelled them."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self.nodes: set[str] = set()
        self._arrived = asyncio.Event()

    async def read(self, client: Connection) -> None:
        """Record the labels as they arrive."""
        async for message in client.incoming():
            label = orjson.loads(message.payload)
            if label["id"] in _NUMBERS:
                self.numbers.add(_NUMBERS[label["id"]])
                self.nodes.add(label["node"])
                self._arrived.set()

    async def until(self, holds: Callable[["Labels"], bool]) -> None:
        """Wait until a condition holds."""
        while not holds(self):
            self._arrived.clear()
            await self._arrived.wait()

    async def further(self, posts: int) -> None:
        """Wait for the labels of this number of later posts, and of each post before them."""
        last = max(self.numbers, default=0) + posts
        await self.until(lambda found: max(found.numbers, default=0) >= last and not found.missing)

    @property
    def missing(self) -> set[int]:
        """Posts without a label between the first and the last labelled one."""
        return set(range(min(self.numbers), max(self.numbers))) - self.numbers if self.numbers else set()


@contextlib.asynccontextmanager
async def labels(fleet: Fleet, folder: Path) -> AsyncIterator[Labels]:
    """Read the labels of posts in the context."""
    password = folder / "reader-password"
    password.write_text(SECRETS["reader"], encoding="utf-8")
    settings = BrokerSettings(host=fleet.broker.address, username="reader", password_file=password)
    found = Labels()
    async with Connection(settings) as reader:
        await reader.subscribe_confirmed("tweets/polarity")
        reading = asyncio.create_task(found.read(reader), name="labels")
        try:
            yield found
        finally:
            reading.cancel()


async def installed(fleet: Fleet, *options: str, **variables: Any) -> Outcome:
    return await asyncio.to_thread(fleet.playbooks.run, "feed.yml", *options, **variables)


async def test_a_changed_wheel_is_refused_before_the_host_is_changed(
    fleet: Fleet, wheelhouse: Path, tmp_path: Path
) -> None:
    copy = await asyncio.to_thread(_changed, wheelhouse, tmp_path / "wheelhouse")

    outcome = await installed(fleet, starling_feed_wheelhouse=str(copy))

    sentence = "is not the wheel that deploy/requirements/ names"
    assert (outcome.exit_code != 0, sentence in outcome.said) == (True, True), outcome.output[-4000:]
    assert fleet.broker.run(_REMAINS, check=False) == ""


async def test_posts_of_an_installed_feeder_are_labelled_and_a_killed_one_loses_none(
    fleet: Fleet, tmp_path: Path
) -> None:
    feeder = fleet.broker
    async with jetstream() as source, labels(fleet, tmp_path) as found:
        dry_run = await installed(fleet, "--check", **source)
        assert (dry_run.exit_code, feeder.run(_REMAINS, check=False)) == (0, ""), dry_run.output[-4000:]

        first = await installed(fleet, **source)
        assert first.exit_code == 0, first.output[-4000:]
        assert feeder.run("systemctl show starling-feed --value --property StatusText") == "ready"
        await found.further(50)

        again = await installed(fleet, **source)
        assert (again.exit_code, set(again.changed.values())) == (0, {0}), again.output[-4000:]

        await asyncio.to_thread(feeder.run, "systemctl kill --signal KILL starling-feed")
        await found.further(100)
        assert feeder.run("systemctl show starling-feed --value --property NRestarts") == "1"
        await asyncio.to_thread(feeder.run, "systemctl restart starling-feed")
        await found.further(50)
        assert found.nodes == set(NODES)
        await asyncio.to_thread(_until_scraped, fleet)


def test_only_the_feeder_can_read_its_secrets(fleet: Fleet) -> None:
    listed = fleet.broker.run("stat -c '%U %a %n' /etc/starling-feed/secrets/*")

    assert listed.splitlines() == [
        f"starling-feed 400 /etc/starling-feed/secrets/{name}" for name in ("broker-password", "http-password", "token")
    ]


def _until_scraped(fleet: Fleet) -> None:
    """Wait until Prometheus, which reads the feeder every two seconds, has counted posts."""
    while not fleet.query("starling_feed_messages_published_total > 0"):
        assert fleet.broker.run("systemctl is-active starling-feed", check=False) == "active"


def _changed(wheelhouse: Path, folder: Path) -> Path:
    """Copy a wheelhouse with another content of a wheel that only feeders need."""
    shutil.copytree(wheelhouse, folder, copy_function=_link)
    for wheel in folder.glob("backports_zstd-*.whl"):
        wheel.unlink()
        with zipfile.ZipFile(wheel, "w") as changed:
            changed.writestr("backports/zstd/__init__.py", "print('changed')\n")
    return folder


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)
