"""Measures `starling feed`: `make feed-kills` and `make feed-speed`; serves posts for trials by hand.

`python -m tests.feed kills` kills the feeder five times within 20,000 posts and counts lost and repeated ones.
`python -m tests.feed speed` measures posts per second of one core, and memory.
`python -m tests.feed serve` is a Jetstream with invented posts, ten a second, until Ctrl-C; it prints its address.
"""

import argparse
import asyncio
import contextlib
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import orjson
import psutil

from tests.feed.jetstream import Jetstream, trained_dictionary
from tests.feed.posts import START_US, jetstream_commit
from tests.feed.running import FeedProcess, Subscriber, subscribed
from tests.integration.mosquitto import PROGRAM, Mosquitto

_KILLS = 5
_WARM_UP_POSTS = 2000


async def kills(posts: int, folder: Path) -> bool:
    """Kill the feeder at random moments; print a table, and return whether no post was lost."""
    server = Jetstream(dictionary=trained_dictionary())
    with Mosquitto(folder, log_type="error") as broker:
        async with server.running() as address, subscribed(broker.port) as subscriber:
            feeder = FeedProcess(("bluesky",), folder / "feeder.log", _environment(broker, address, folder))
            async with feeder:
                publishing = asyncio.create_task(_publish_all(server, posts, rate=1000.0), name="posts")
                for kill in range(1, _KILLS + 1):
                    wanted = posts * kill // (_KILLS + 1) - random.randrange(50)
                    await subscriber.until(lambda found, wanted=wanted: len(found.ids) >= wanted)  # type: ignore[misc]
                    before = len(subscriber.posts) - len(subscriber.ids)
                    await feeder.kill()
                    await feeder.start()
                    _say(f"kill {kill} after {len(subscriber.ids)} posts; repeated before: {before}")
                await publishing
                await _until_quiet(subscriber, posts)
    lost = posts - len(subscriber.ids)
    _say(f"{posts} posts, {_KILLS} kills: {lost} lost, {len(subscriber.posts) - len(subscriber.ids)} repeated")
    return lost == 0


async def _publish_all(server: Jetstream, posts: int, rate: float) -> None:
    started = time.monotonic()
    step = max(1, round(rate / 20))
    for number in range(0, posts, step):
        server.add(*(jetstream_commit(each) for each in range(number, min(number + step, posts))))
        await asyncio.sleep(max(0.0, started + (number + step) / rate - time.monotonic()))


async def serve(posts: int, host: str) -> None:
    """Serve invented posts, ten a second, and keep them for replay."""
    server = Jetstream(dictionary=trained_dictionary())
    async with server.running(host) as address:
        _say(address)
        await _publish_all(server, posts, rate=10.0)
        await asyncio.Event().wait()


async def _until_quiet(subscriber: Subscriber, posts: int) -> None:
    """Wait until every post has come, or none comes for 15 s."""
    while len(subscriber.ids) < posts:
        known = len(subscriber.posts)
        await asyncio.sleep(15)
        if len(subscriber.posts) == known:
            return


async def speed(posts: int, folder: Path, *, compressed: bool) -> bool:
    """Feed as fast as possible; print posts per second of processor time, and memory."""
    server = Jetstream(dictionary=trained_dictionary() if compressed else None)
    with Mosquitto(folder, log_type="error") as broker:
        async with server.running() as address, subscribed(broker.port) as subscriber:
            environment = _environment(broker, address, folder)
            async with FeedProcess(("bluesky",), folder / "feeder.log", environment, anew=True) as feeder:
                server.add(*(jetstream_commit(number) for number in range(_WARM_UP_POSTS)))
                await subscriber.until(lambda found: len(found.posts) >= _WARM_UP_POSTS)
                process = psutil.Process(feeder.pid)
                cpu, started = sum(process.cpu_times()[:2]), time.monotonic()
                server.add(*(jetstream_commit(number) for number in range(_WARM_UP_POSTS, _WARM_UP_POSTS + posts)))
                most_bytes = 0
                while len(subscriber.posts) < _WARM_UP_POSTS + posts:
                    await asyncio.sleep(0.2)
                    most_bytes = max(most_bytes, process.memory_info().rss)
                seconds, cpu = time.monotonic() - started, sum(process.cpu_times()[:2]) - cpu
    kind = "compressed" if compressed else "uncompressed"
    _say(
        f"{posts} {kind} posts in {seconds:.1f} s: {posts / seconds:.0f} posts/s, "
        f"{posts / cpu:.0f} posts per CPU second, {most_bytes / 1e6:.0f} MB of memory"
    )
    return posts / cpu >= 1000 and most_bytes < 100e6


def _environment(broker: Mosquitto, address: str, folder: Path) -> dict[str, str]:
    state = folder / "state"
    state.mkdir()
    position = {"stream": "bluesky", "cursor": {"time_us": START_US - 1}, "written_at": 0}
    (state / "feed-bluesky.json").write_bytes(orjson.dumps(position))
    return os.environ | {
        "STARLING_BROKER__PORT": str(broker.port),
        "STARLING_BLUESKY__INSTANCES": f'["{address}"]',
        "STARLING_FEED__STATE_FOLDER": str(state),
        "STARLING_FEED__HTTP_PORT": "0",
    }


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run a measurement, and exit with 1 where it does not reach what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measurement", choices=["kills", "speed", "serve"])
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--host", default="127.0.0.1", help="serve: the address of this machine to listen on")
    options = parser.parse_args()
    if options.measurement == "serve":
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(options.posts, options.host))
        return
    if PROGRAM is None:
        sys.exit("Mosquitto is not installed: apt-get install mosquitto")
    with tempfile.TemporaryDirectory() as folder:
        if options.measurement == "kills":
            reached = asyncio.run(kills(options.posts, Path(folder)))
        else:
            reached = True
            for compressed in (True, False):
                (part := Path(folder) / str(compressed)).mkdir()
                reached &= asyncio.run(speed(options.posts, part, compressed=compressed))
    sys.exit(not reached)


if __name__ == "__main__":
    main()
