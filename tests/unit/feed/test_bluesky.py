"""Bluesky's posts from a local Jetstream."""

import time
from pathlib import Path

import orjson
import pytest
from aiohttp import web

from stream.errors import SettingsError
from stream.feed.events import Deletion, Gap, Ignored, Opened, Post, Reason
from stream.feed.source import Failure, SourceError
from stream.feed.sources.bluesky import BlueskySource
from tests.feed.jetstream import Jetstream, trained_dictionary
from tests.feed.posts import START_US, TEXTS, jetstream_commit
from tests.unit.feed.sources import events_of, of_kind, posts, source_of

CURSOR = {"time_us": START_US - 1}
COMMITS = [jetstream_commit(number) for number in range(5)]


def settings(address: str, *more: str, **bluesky: object) -> dict[str, dict[str, object]]:
    return {
        "bluesky": {"instances": [address, *more], **bluesky},
        "feed": {"silence_seconds": 5},
    }


@pytest.mark.parametrize("version", ["1", "2"])
async def test_posts_come_from_the_position_on(version: str) -> None:
    server = Jetstream(list(COMMITS))
    async with server.running() as address, source_of(BlueskySource, **settings(address, version=version)) as source:
        events = await events_of(source, 6, CURSOR)
        assert isinstance(events[0], Opened)
        assert list(posts(events)) == [f"{TEXTS[number]} ({number})" for number in range(5)]
        last = of_kind(events, Post)[1]
        following = list(posts(await events_of(source, 3, last.cursor)))
        assert following == list(posts(events))[2:4] if version == "2" else list(posts(events))[1:3]


@pytest.mark.parametrize("version", ["1", "2"])
async def test_without_a_position_posts_come_from_now_on(version: str) -> None:
    server = Jetstream(list(COMMITS))
    async with server.running() as address, source_of(BlueskySource, **settings(address, version=version)) as source:
        events = source.connect(None)
        assert isinstance(await anext(events), Opened)
        server.add(jetstream_commit(7))
        post = await anext(events)
        assert isinstance(post, Post)
        assert post.text.endswith("(7)")
        await events.aclose()


async def test_the_second_version_is_asked_by_its_own_number_on_the_same_server() -> None:
    server = Jetstream(list(COMMITS))
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        cursor = of_kind(await events_of(source, 3, CURSOR), Post)[1].cursor
        assert cursor == {"time_us": START_US + 1000, "seq": 2, "instance": address}
        await events_of(source, 2, cursor)
    assert server.requests[-1].query["cursor"] == "3"


async def test_another_server_is_asked_by_a_time_a_little_earlier() -> None:
    server = Jetstream(list(COMMITS))
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        cursor = {"time_us": START_US + 1000, "seq": 2, "instance": "wss://elsewhere.example"}
        events = await events_of(source, 6, cursor)
    assert server.requests[-1].query["cursor"] == str(START_US + 1000 - 5_000_000)
    assert len(of_kind(events, Post)) == 5


async def test_posts_have_language_time_and_an_identifier_without_the_author() -> None:
    server = Jetstream([COMMITS[2]])
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        post = of_kind(await events_of(source, 2, CURSOR), Post)[0]
    assert (post.languages, post.at, post.author) == (("en-GB",), (START_US + 2000) / 1e6, None)
    assert post.id.startswith("bluesky/")
    assert "did:" not in post.id


async def test_authors_are_published_where_the_settings_say_so() -> None:
    server = Jetstream([COMMITS[2]])
    async with (
        server.running() as address,
        source_of(BlueskySource, **(settings(address) | {"feed": {"authors": True}})) as source,
    ):
        post = of_kind(await events_of(source, 2, CURSOR), Post)[0]
    assert (post.id, post.author) == ("at://did:plc:writer2/app.bsky.feed.post/key2", "did:plc:writer2")


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_deletion_has_the_identifier_of_its_post(version: str) -> None:
    deletion = {key: value for key, value in COMMITS[1].items() if key not in {"record", "cid"}}
    server = Jetstream([COMMITS[1], deletion | {"operation": "delete"}])
    async with server.running() as address, source_of(BlueskySource, **settings(address, version=version)) as source:
        events = await events_of(source, 3, CURSOR)
    assert [post.id for post in of_kind(events, Post)] == [gone.id for gone in of_kind(events, Deletion)]


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_new_version_of_a_post_is_an_edit(version: str) -> None:
    server = Jetstream([COMMITS[1], COMMITS[1] | {"operation": "update", "rev": "rev2"}])
    async with server.running() as address, source_of(BlueskySource, **settings(address, version=version)) as source:
        first, edit = of_kind(await events_of(source, 3, CURSOR), Post)
    assert (first.edited, edit.edited, edit.version) == (False, True, "rev2")
    assert edit.id == first.id


async def test_compressed_messages_are_read_with_the_servers_dictionary() -> None:
    server = Jetstream(list(COMMITS), dictionary=trained_dictionary())
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        assert len(of_kind(await events_of(source, 6, CURSOR), Post)) == 5
    assert server.dictionary
    assert server.requests[0].query["zstdDictionary"] == str(server.dictionary.dict_id)


async def test_a_dictionary_that_the_server_has_replaced_is_fetched_anew() -> None:
    server = Jetstream(list(COMMITS), dictionary=trained_dictionary())
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        await events_of(source, 2, CURSOR)
        retrained = bytearray(trained_dictionary().dict_content)
        retrained[4] ^= 1  # its number
        server.dictionary = type(trained_dictionary())(bytes(retrained))
        with pytest.raises(SourceError, match="UnknownZstdDictionary"):
            await events_of(source, 2, CURSOR)
        assert len(of_kind(await events_of(source, 6, CURSOR), Post)) == 5


async def test_the_first_version_uses_the_dictionary_of_a_file(tmp_path: Path) -> None:
    dictionary = trained_dictionary()
    file = tmp_path / "dictionary"
    file.write_bytes(dictionary.dict_content)
    server = Jetstream(list(COMMITS), dictionary=dictionary)
    async with server.running() as address:
        asked = settings(address, version="1", dictionary_file=file)
        async with source_of(BlueskySource, **asked) as source:
            assert len(of_kind(await events_of(source, 6, CURSOR), Post)) == 5
    assert server.requests[0].query["compress"] == "true"


async def test_the_first_version_cannot_be_compressed_without_a_dictionary() -> None:
    with pytest.raises(SettingsError, match="dictionary_file"):
        async with source_of(BlueskySource, bluesky={"version": "1", "compress": True}):
            pass


async def test_a_file_that_is_no_dictionary_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "dictionary"
    file.write_bytes(b"no")
    with pytest.raises(SettingsError, match="is no zstd dictionary"):
        async with source_of(BlueskySource, bluesky={"version": "1", "dictionary_file": file}):
            pass


async def test_data_that_cannot_be_decompressed_is_counted() -> None:
    server = Jetstream([COMMITS[0], COMMITS[1]], dictionary=trained_dictionary(), damaged={0})
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        events = await events_of(source, 3, CURSOR)
    assert [ignored.reason for ignored in of_kind(events, Ignored)] == [Reason.NOT_JSON]
    assert len(of_kind(events, Post)) == 1


async def test_a_server_without_a_dictionary_sends_uncompressed_data() -> None:
    server = Jetstream(list(COMMITS))
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        assert len(await events_of(source, 6, CURSOR)) == 6
    assert "zstdDictionary" not in server.requests[0].query


async def test_a_server_without_a_dictionary_is_an_error_where_compression_is_asked_for() -> None:
    server = Jetstream(list(COMMITS))
    async with server.running() as address, source_of(BlueskySource, **settings(address, compress=True)) as source:
        with pytest.raises(SourceError, match="sends no dictionary"):
            await events_of(source, 1)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"{not json", Reason.NOT_JSON),
        (b"\xff\xfe", Reason.NOT_JSON),
        (b"[1]", Reason.NOT_A_POST),
        (b"null", Reason.NOT_A_POST),
        (b"{}", Reason.NOT_A_POST),
        (b'{"$type":"message","payload":7}', Reason.NOT_A_POST),
        (b'{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#new"}}', Reason.NOT_A_POST),
        (b'{"kind":"weather","time_us":5}', Reason.NOT_A_POST),
        (b'"' + b"x" * 1_000_000 + b'"', Reason.TOO_LARGE),
    ],
)
async def test_a_message_that_is_no_post_is_counted_and_the_stream_goes_on(message: bytes, reason: Reason) -> None:
    server = Jetstream([COMMITS[0], message, COMMITS[1]])
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        events = await events_of(source, 4, CURSOR)
    assert [ignored.reason for ignored in of_kind(events, Ignored)] == [reason]
    assert len(of_kind(events, Post)) == 2


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"record": {"langs": ["en"]}}, Reason.NO_TEXT),
        ({"record": None}, Reason.NO_TEXT),
        ({"record": {"text": 7}}, Reason.BAD_TEXT),
        ({"record": {"text": ["a"]}}, Reason.BAD_TEXT),
        ({"rkey": None}, Reason.NO_ID),
        ({"rkey": "a\nb"}, Reason.NO_ID),
        ({"did": 7}, Reason.NO_ID),
        ({"operation": "rename"}, Reason.NOT_A_POST),
        ({"collection": "app.bsky.feed.like"}, Reason.NOT_A_POST),
        ({"kind": "account"}, Reason.NOT_A_POST),
    ],
)
async def test_a_commit_that_is_no_post_has_a_reason_and_a_position(
    version: str, changes: dict[str, object], reason: Reason
) -> None:
    server = Jetstream([jetstream_commit(3, **changes)])
    async with server.running() as address, source_of(BlueskySource, **settings(address, version=version)) as source:
        ignored = of_kind(await events_of(source, 2, CURSOR), Ignored)[0]
    assert ignored.reason == reason
    assert ignored.cursor is not None
    assert ignored.cursor["time_us"] == START_US + 3000


async def test_a_position_that_the_second_version_does_not_keep_becomes_a_gap() -> None:
    server = Jetstream(
        [jetstream_commit(number, time_us=START_US + number * 10_000_000) for number in range(9)], oldest=6
    )
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        cursor = {"time_us": START_US + 10_000_000, "seq": 2, "instance": address}
        with pytest.raises(SourceError, match="CursorTooOld"):
            await events_of(source, 2, cursor)
        events = await events_of(source, 3, cursor)
    assert of_kind(events, Gap) == [Gap("position_too_old", 50.0, since=START_US / 1e6 + 10)]
    assert next(posts(events)).endswith("(6)")


async def test_a_position_that_the_first_version_does_not_keep_becomes_a_gap() -> None:
    server = Jetstream(
        [jetstream_commit(number, time_us=START_US + number * 100_000_000) for number in range(9)], oldest=6
    )
    async with server.running() as address, source_of(BlueskySource, **settings(address, version="1")) as source:
        events = await events_of(source, 3, {"time_us": START_US})
    assert of_kind(events, Gap) == [Gap("position_too_old", 600.0, since=START_US / 1e6)]


async def test_a_position_that_the_server_keeps_is_no_gap() -> None:
    server = Jetstream(list(COMMITS))
    async with server.running() as address, source_of(BlueskySource, **settings(address, version="1")) as source:
        assert of_kind(await events_of(source, 5, {"time_us": START_US}), Gap) == []


async def test_a_time_far_ahead_is_no_position() -> None:
    ahead = jetstream_commit(1, time_us=START_US + 10 * 365 * 86400 * 1_000_000)
    server = Jetstream([COMMITS[0], ahead, COMMITS[2]])
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        cursors = [post.cursor and post.cursor["time_us"] for post in of_kind(await events_of(source, 4, CURSOR), Post)]
    assert cursors == [START_US, None, START_US + 2000]


async def test_a_clock_that_was_set_back_moves_the_position_back() -> None:
    server = Jetstream([COMMITS[3], jetstream_commit(4, time_us=START_US)])
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        cursors = [post.cursor and post.cursor["time_us"] for post in of_kind(await events_of(source, 3, CURSOR), Post)]
    assert cursors == [START_US + 3000, START_US]


async def test_a_server_that_sends_nothing_is_left() -> None:
    silent, other = Jetstream(silent=True), Jetstream(list(COMMITS))
    async with silent.running() as first, other.running() as second:
        asked = settings(first, second) | {"feed": {"silence_seconds": 0.05}}
        async with source_of(BlueskySource, **asked) as source:
            with pytest.raises(SourceError, match="sent nothing for"):
                await events_of(source, 2)
            assert of_kind(await events_of(source, 2, CURSOR), Opened) == [Opened(second)]


async def test_a_server_that_cannot_be_reached_is_left() -> None:
    server = Jetstream(list(COMMITS))
    async with server.running() as address:
        asked = settings("ws://127.0.0.1:1", address)
        async with source_of(BlueskySource, **asked) as source:
            with pytest.raises(SourceError, match="cannot connect to"):
                await events_of(source, 2)
            assert len(await events_of(source, 2, CURSOR)) == 2


async def test_the_server_is_kept_after_a_connection_that_brought_data() -> None:
    server, other = Jetstream(list(COMMITS), close_after=2), Jetstream()
    async with (
        server.running() as first,
        other.running() as second,
        source_of(BlueskySource, **settings(first, second)) as source,
    ):
        with pytest.raises(SourceError):
            await events_of(source, 9, CURSOR)
        assert of_kind(await events_of(source, 1, CURSOR), Opened) == [Opened(first)]


async def test_too_many_requests_name_the_time_to_wait() -> None:
    server = Jetstream(refuse=web.Response(status=429, headers={"Retry-After": "7"}))
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        with pytest.raises(SourceError) as caught:
            await events_of(source, 1)
    assert (caught.value.failure, caught.value.retry_seconds) == (Failure.RATE_LIMIT, 7)


async def test_an_error_message_ends_the_connection_with_its_reason() -> None:
    error = orjson.dumps({"$type": "error", "error": "ConsumerTooSlow", "message": "read faster"})
    server = Jetstream([COMMITS[0], error])
    async with server.running() as address, source_of(BlueskySource, **settings(address)) as source:
        with pytest.raises(SourceError, match="ConsumerTooSlow: read faster"):
            await events_of(source, 9, CURSOR)


async def test_a_position_in_the_future_is_no_gap() -> None:
    server = Jetstream(list(COMMITS))
    async with server.running() as address, source_of(BlueskySource, **settings(address, version="1")) as source:
        events = source.connect({"time_us": int((time.time() + 9e6) * 1e6)})
        await anext(events)
        server.add(jetstream_commit(8))
        assert isinstance(await anext(events), Post)
        await events.aclose()
