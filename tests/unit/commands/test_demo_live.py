"""Live posts in the demo, and the samples where there are none."""

import pytest

from stream.commands.demo.live import live_posts
from stream.settings import Settings
from stream.tweets.decoding import decode_tweet
from tests.feed.jetstream import Jetstream
from tests.feed.posts import jetstream_commit

SAMPLES = [b"sample 1", b"sample 2"]


async def shown(server: Jetstream | None, address: str) -> tuple[list[bytes], dict[str, str]]:
    settings = Settings.model_validate({"bluesky": {"instances": [address]}})
    texts: dict[str, str] = {}
    found = []
    async for message in live_posts("bluesky", settings, 3, texts, SAMPLES):
        found.append(message)
        if server:
            server.add(jetstream_commit(len(found) + 10))
    return found, texts


async def test_posts_of_a_stream_are_shown_with_their_texts() -> None:
    server = Jetstream()
    server.on_open = lambda: server.add(jetstream_commit(10))
    async with server.running() as address:
        found, texts = await shown(server, address)
    tweets = [decode_tweet(message, Settings().limits) for message in found]
    assert [tweet.text[-4:] for tweet in tweets] == ["(10)", "(11)", "(12)"]
    assert {tweet.id: tweet.text for tweet in tweets} == texts


async def test_without_the_stream_the_samples_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert await shown(None, "ws://127.0.0.1:1") == (SAMPLES, {})
    assert "the samples are shown instead" in capsys.readouterr().err
