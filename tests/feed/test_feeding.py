"""`starling feed` between local servers of the sources and a real broker."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import aiohttp
import orjson
import pytest
from aiohttp import web

from tests.feed.jetstream import Jetstream, trained_dictionary
from tests.feed.mastodon import TOKEN as MASTODON_TOKEN
from tests.feed.mastodon import Mastodon
from tests.feed.posts import START_US, jetstream_commit, mastodon_status, x_post
from tests.feed.running import FeedProcess, subscribed
from tests.feed.x import TOKEN as X_TOKEN
from tests.feed.x import X
from tests.integration.mosquitto import Mosquitto
from tests.integration.program import metric

pytestmark = pytest.mark.broker


def from_the_start(folder: Path) -> None:
    """Store a position before the first post."""
    folder.mkdir(parents=True, exist_ok=True)
    position = {"stream": "bluesky", "cursor": {"time_us": START_US - 1}, "written_at": 0}
    (folder / "feed-bluesky.json").write_bytes(orjson.dumps(position))


async def metrics_of(feeder: FeedProcess) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{feeder.address}/metrics") as answer:
        return await answer.text()


async def test_bluesky_posts_reach_the_broker(broker: Mosquitto, environment: dict[str, str], tmp_path: Path) -> None:
    server = Jetstream([jetstream_commit(number) for number in range(20)], dictionary=trained_dictionary())
    from_the_start(tmp_path / "state")
    async with server.running() as address, subscribed(broker.port) as subscriber:
        environment["STARLING_BLUESKY__INSTANCES"] = f'["{address}"]'
        arguments = ("bluesky", "--lang", "de", "--most", "4")
        async with FeedProcess(arguments, tmp_path / "log", environment, anew=True) as feeder:
            assert await feeder.ended() == 0, feeder.log
        await subscriber.until(lambda found: len(found.posts) == 4)
    assert {post["lang"] for post in subscriber.posts} == {"de"}
    assert subscriber.posts[0].keys() == {"id", "text", "lang", "created_at", "source"}
    assert "published 4 posts to tweets/in" in feeder.log
    assert "left out: 15 language" in feeder.log
    stored = orjson.loads((tmp_path / "state" / "feed-bluesky.json").read_bytes())
    assert stored["cursor"]["time_us"] == START_US + 18_000


async def test_deletions_and_edits_have_a_topic_of_their_own(
    broker: Mosquitto, environment: dict[str, str], tmp_path: Path
) -> None:
    commit = jetstream_commit(0)
    gone = {key: value for key, value in commit.items() if key != "record"} | {"operation": "delete"}
    server = Jetstream([commit, commit | {"operation": "update", "rev": "2"}, gone, jetstream_commit(1)])
    from_the_start(tmp_path / "state")
    async with server.running() as address, subscribed(broker.port) as subscriber:
        environment["STARLING_BLUESKY__INSTANCES"] = f'["{address}"]'
        async with FeedProcess(("bluesky", "--most", "2"), tmp_path / "log", environment) as feeder:
            assert await feeder.ended() == 0, feeder.log
        await subscriber.until(lambda found: len(found.posts) == 2 and len(found.changes) == 2)
    edit, deletion = subscriber.changes
    assert (edit["kind"], deletion["kind"]) == ("edit", "deletion")
    assert edit["id"] == deletion["id"] == subscriber.posts[0]["id"]
    assert edit["text"] == commit["record"]["text"]


async def test_killing_the_feeder_loses_no_post(broker: Mosquitto, environment: dict[str, str], tmp_path: Path) -> None:
    server = Jetstream()
    from_the_start(tmp_path / "state")
    environment["STARLING_FEED__CURSOR_SECONDS"] = "0.1"
    async with server.running() as address, subscribed(broker.port) as subscriber:
        environment["STARLING_BLUESKY__INSTANCES"] = f'["{address}"]'
        async with FeedProcess(("bluesky",), tmp_path / "log", environment) as feeder:
            for part in range(3):
                server.add(*(jetstream_commit(number) for number in range(part * 500, part * 500 + 500)))
                await subscriber.until(lambda found, wanted=part * 500 + 100: len(found.ids) >= wanted)  # type: ignore[misc]
                await feeder.kill()
                await feeder.start()
            await subscriber.until(lambda found: len(found.ids) == 1500)
    assert max(subscriber.ids.values()) <= 1 + 3


async def test_a_lost_source_is_resumed_without_loss_or_repeats(
    broker: Mosquitto, environment: dict[str, str], tmp_path: Path
) -> None:
    server = Jetstream([jetstream_commit(number) for number in range(500)], close_after=37)
    from_the_start(tmp_path / "state")
    async with server.running() as address, subscribed(broker.port) as subscriber:
        environment["STARLING_BLUESKY__INSTANCES"] = f'["{address}"]'
        async with FeedProcess(("bluesky", "--most", "500"), tmp_path / "log", environment) as feeder:
            assert await feeder.ended() == 0, feeder.log
        await subscriber.until(lambda found: len(found.ids) == 500)
    assert set(subscriber.ids.values()) == {1}


async def test_a_slow_broker_stops_the_reading_and_the_lag_shows_it(
    broker: Mosquitto, environment: dict[str, str], tmp_path: Path
) -> None:
    # 60 MB: more than the buffers of the sockets hold.
    text = {"text": "a" * 280, "langs": ["en"], "padding": "a" * 20_000}
    server = Jetstream([jetstream_commit(number, record=text) for number in range(3_000)])
    from_the_start(tmp_path / "state")
    environment |= {"STARLING_FEED__QUEUE": "10", "STARLING_FEED__IN_FLIGHT": "5"}
    environment["STARLING_BROKER__TIMEOUT_SECONDS"] = "600"
    async with server.running() as address, subscribed(broker.port) as subscriber:
        environment["STARLING_BLUESKY__INSTANCES"] = f'["{address}"]'
        async with FeedProcess(("bluesky",), tmp_path / "log", environment) as feeder:
            await subscriber.until(lambda found: len(found.posts) >= 100)
            os.kill(broker.pid, signal.SIGSTOP)
            received = await _settled(feeder)
            assert metric(await metrics_of(feeder), "starling_feed_messages_waiting") <= 10 + 5 + 1
            assert metric(await metrics_of(feeder), "starling_feed_lag_seconds") > 0
            assert received < 3_000
            assert server.sent < 3_000
            os.kill(broker.pid, signal.SIGCONT)
            await subscriber.until(lambda found: len(found.ids) == 3_000)


async def _settled(feeder: FeedProcess) -> float:
    """Wait until the feeder receives no more, and return the number of events received."""
    before = -1.0
    while (received := metric(await metrics_of(feeder), "starling_feed_events_received_total")) != before:
        before = received
        await asyncio.sleep(0.3)
    return received


async def test_a_broker_that_restarts_gets_every_post(
    broker: Mosquitto, environment: dict[str, str], tmp_path: Path
) -> None:
    server = Jetstream()
    from_the_start(tmp_path / "state")
    async with server.running() as address:
        environment["STARLING_BLUESKY__INSTANCES"] = f'["{address}"]'
        async with FeedProcess(("bluesky", "--most", "300"), tmp_path / "log", environment) as feeder:
            async with subscribed(broker.port, "counter") as before:
                server.add(*(jetstream_commit(number) for number in range(100)))
                await before.until(lambda found: len(found.ids) == 100)
            broker.stop()
            server.add(*(jetstream_commit(number) for number in range(100, 300)))
            broker.start()
            async with subscribed(broker.port, "counter") as after:
                await after.until(lambda found: len(before.ids | found.ids) == 300)
            assert await feeder.ended() == 0, feeder.log


async def test_mastodon_posts_reach_the_broker_and_a_lost_stream_is_a_gap(
    broker: Mosquitto, environment: dict[str, str], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(MASTODON_TOKEN)
    token.chmod(0o600)
    server = Mastodon()
    async with server.running() as address, subscribed(broker.port) as subscriber:
        environment |= {"STARLING_MASTODON__SERVER": address, "STARLING_MASTODON__TOKEN_FILE": str(token)}
        async with FeedProcess(("mastodon", "--most", "2"), tmp_path / "log", environment) as feeder:
            await server.opened.wait()
            server.send("update", mastodon_status(0))
            await subscriber.until(lambda found: len(found.posts) == 1)
            server.cut()
            await server.opened.wait()
            server.send("update", mastodon_status(1))
            assert await feeder.ended() == 0, feeder.log
        await subscriber.until(lambda found: len(found.posts) == 2 and len(found.changes) == 1)
    assert subscriber.posts[0]["text"].endswith("boats & more (0)")
    assert subscriber.changes[0]["kind"] == "gap"
    assert "gap of" in feeder.log


async def test_posts_of_x_have_the_tag_of_their_rule_as_entity(
    broker: Mosquitto, environment: dict[str, str], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(X_TOKEN)
    token.chmod(0o600)
    server = X()
    async with server.running() as address, subscribed(broker.port) as subscriber:
        environment |= {"STARLING_X__SERVER": address, "STARLING_X__TOKEN_FILE": str(token)}
        async with FeedProcess(("x", "--most", "1"), tmp_path / "log", environment) as feeder:
            await server.opened.wait()
            server.send(x_post(1))
            assert await feeder.ended() == 0, feeder.log
        await subscriber.until(lambda found: len(found.posts) == 1)
    assert subscriber.posts[0]["entity"] == "ferries"
    assert "at most $0.01 for 1 posts" in feeder.log


async def test_systemd_is_told_that_the_feeder_is_ready_and_alive(environment: dict[str, str], tmp_path: Path) -> None:
    server = Jetstream()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(0)
        async with server.running() as address:
            environment |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}
            environment["STARLING_BLUESKY__INSTANCES"] = f'["{address}"]'
            async with FeedProcess(("bluesky",), tmp_path / "log", environment) as feeder:
                said = ""
                while "READY=1" not in said or "WATCHDOG=1" not in said:
                    said += (await asyncio.get_running_loop().sock_recv(systemd, 4096)).decode() + "\n"
                assert await feeder.stop() == 0, feeder.log


async def test_a_lost_source_shows_as_lag_and_as_not_ready(environment: dict[str, str], tmp_path: Path) -> None:
    server = Jetstream()
    async with server.running() as address:
        environment["STARLING_BLUESKY__INSTANCES"] = f'["{address}"]'
        async with FeedProcess(("bluesky",), tmp_path / "log", environment) as feeder:
            while "connected to" not in feeder.log:  # noqa: ASYNC110  (the log gives no event)
                await asyncio.sleep(0.01)
            connected = await metrics_of(feeder)
            server.refuse = web.Response(status=503)
            server.close_after = 0
            server.add(jetstream_commit(0))
            lost = connected
            while metric(lost, "starling_feed_source_connected") or metric(lost, "starling_feed_lag_seconds") < 0.3:
                await asyncio.sleep(0.05)
                lost = await metrics_of(feeder)
            assert metric(connected, "starling_feed_source_connected") == 1
            assert metric(lost, "starling_feed_ready") == 0


@pytest.mark.parametrize("source", ["mastodon", "x"])
async def test_a_wrong_token_ends_the_feeder_with_a_sentence(
    source: str, environment: dict[str, str], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("revoked\n")
    token.chmod(0o600)
    server: Mastodon | X = Mastodon() if source == "mastodon" else X()
    async with server.running() as address:
        section = f"STARLING_{source.upper()}__"
        environment |= {f"{section}SERVER": address, f"{section}TOKEN_FILE": str(token)}
        async with FeedProcess((source, "--most", "1"), tmp_path / "log", environment) as feeder:
            assert await feeder.ended() == 78
    assert f"{source}.token_file" in feeder.log.splitlines()[-1]


async def test_a_second_feeder_with_the_same_position_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    server = Jetstream()
    async with server.running() as address:
        environment["STARLING_BLUESKY__INSTANCES"] = f'["{address}"]'
        async with FeedProcess(("bluesky",), tmp_path / "log", environment) as first:
            while not server.requests:  # noqa: ASYNC110  (the server gives no event)
                await asyncio.sleep(0.01)
            async with FeedProcess(("bluesky",), tmp_path / "second", environment) as second:
                assert await second.ended() == 66
            assert "another feeder uses" in second.log
            assert await first.stop() == 0, first.log
