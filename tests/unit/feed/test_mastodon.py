"""Mastodon's statuses from a local server."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from stream.errors import SettingsError
from stream.feed.events import Deletion, Event, Gap, Heartbeat, Ignored, Opened, Post, Reason
from stream.feed.http import authorization
from stream.feed.source import SourceError, TokenError
from stream.feed.sources.mastodon import MastodonSource
from tests.feed.mastodon import TOKEN, Mastodon
from tests.feed.posts import mastodon_status
from tests.feed.serving import serving
from tests.unit.feed.sources import events_of, of_kind, source_of

TRANSPORTS = pytest.mark.parametrize("transport", ["http", "websocket"])


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    return file


def settings(address: str, token: Path, **mastodon: Any) -> dict[str, dict[str, Any]]:
    return {"mastodon": {"server": address, "token_file": token, **mastodon}, "feed": {"silence_seconds": 5}}


async def received(
    token: Path, kind: str, payload: dict[str, Any] | str, *, feed: dict[str, Any] | None = None, **mastodon: Any
) -> Event:
    """Return the event of one message that a server sends."""
    server = Mastodon()
    async with server.running() as address:
        asked = settings(address, token, **mastodon)
        async with source_of(MastodonSource, **(asked | ({"feed": feed} if feed else {}))) as source:
            events = source.connect(None)
            assert isinstance(await anext(events), Opened)
            server.send(kind, payload)
            while isinstance(event := await anext(events), Heartbeat):
                pass
            await events.aclose()
    if isinstance(event, Post):  # without the server's port
        assert event.id.startswith("127.0.0.1:")
    return event


@TRANSPORTS
async def test_a_status_is_a_post_in_plain_text(token: Path, transport: str) -> None:
    post = await received(token, "update", mastodon_status(2), transport=transport)
    assert isinstance(post, Post)
    assert (post.text, post.languages, post.author) == ("our bakery opens at six tomorrow & more (2)", ("en",), None)
    assert post.id.endswith("/110000002")
    assert post.at == 1_795_836_000.0


@TRANSPORTS
async def test_an_edited_status_is_an_edit(token: Path, transport: str) -> None:
    edited = mastodon_status(2, edited_at="2026-11-28T03:21:00.000Z")
    post = await received(token, "status.update", edited, transport=transport)
    assert isinstance(post, Post)
    assert (post.edited, post.version, post.at) == (True, "2026-11-28T03:21:00.000Z", 1_795_836_060.0)


@TRANSPORTS
async def test_a_deleted_status_has_the_identifier_of_its_post(token: Path, transport: str) -> None:
    deletion = await received(token, "delete", "110000002", transport=transport)
    assert isinstance(deletion, Deletion)
    assert deletion.id.endswith("/110000002")


@TRANSPORTS
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"visibility": "unlisted"}, Reason.NOT_PUBLIC),
        ({"visibility": "private"}, Reason.NOT_PUBLIC),
        ({"visibility": None}, Reason.NOT_PUBLIC),
        ({"reblog": {"id": "1"}}, Reason.NOT_A_POST),
        ({"account": {"acct": "writer", "noindex": True}}, Reason.OPTED_OUT),
        ({"content": None}, Reason.NO_TEXT),
        ({"content": 7}, Reason.BAD_TEXT),
        ({"content": "<p>" + "a" * 70_000}, Reason.TOO_LONG),
        ({"id": None}, Reason.NO_ID),
        ({"id": "../1"}, Reason.NO_ID),
    ],
)
async def test_a_status_that_is_not_published_has_a_reason(
    token: Path, transport: str, changes: dict[str, Any], reason: Reason
) -> None:
    event = await received(token, "update", mastodon_status(1, **changes), transport=transport)
    assert isinstance(event, Ignored)
    assert event.reason == reason


@TRANSPORTS
@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        ("update", "{not json", Reason.NOT_JSON),
        ("update", "[1]", Reason.NOT_A_POST),
        ("weather", "{}", Reason.NOT_A_POST),
        ("filters_changed", "undefined", Reason.NOT_A_POST),
        ("update", '"' + "x" * 1_000_000 + '"', Reason.TOO_LARGE),
    ],
)
async def test_a_message_that_is_no_status_has_a_reason(
    token: Path, transport: str, kind: str, payload: str, reason: Reason
) -> None:
    event = await received(token, kind, payload, transport=transport)
    assert isinstance(event, Ignored)
    assert event.reason == reason


async def test_a_deletion_without_an_identifier_has_a_reason(token: Path) -> None:
    event = await received(token, "delete", "", transport="websocket")
    assert isinstance(event, Ignored)
    assert event.reason == Reason.NO_ID


async def test_a_line_that_is_too_long_to_be_held_is_counted(token: Path) -> None:
    event = await received(token, "update", "x" * 5_000_000)
    assert isinstance(event, Ignored)
    assert event.reason == Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("how", "text"),
    [("include", "heights\nthe view"), ("omit", "the view"), ("exclude", None)],
)
async def test_content_warnings_are_included_omitted_or_excluded(token: Path, how: str, text: str | None) -> None:
    status = mastodon_status(1, spoiler_text="heights", content="<p>the view</p>")
    event = await received(token, "update", status, content_warnings=how)
    if text is None:
        assert isinstance(event, Ignored)
        assert event.reason == Reason.CONTENT_WARNING
    else:
        assert isinstance(event, Post)
        assert event.text == text


async def test_posts_of_users_who_opted_out_are_published_where_the_settings_say_so(token: Path) -> None:
    status = mastodon_status(1, account={"acct": "writer", "noindex": True})
    assert isinstance(await received(token, "update", status, indexable_only=False), Post)


async def test_authors_are_published_where_the_settings_say_so(token: Path) -> None:
    post = await received(token, "update", mastodon_status(1), feed={"authors": True})
    assert isinstance(post, Post)
    assert post.author
    assert post.author.startswith("writer@127.0.0.1")


@TRANSPORTS
@pytest.mark.parametrize(
    ("asked", "stream"),
    [
        ({"stream": "public"}, "public"),
        ({"stream": "public:local"}, "public:local"),
        ({"stream": "hashtag", "hashtag": "ferry"}, "hashtag ferry"),
        ({"stream": "hashtag:local", "hashtag": "Fähre"}, "hashtag:local Fähre"),
    ],
)
async def test_the_stream_of_the_settings_is_asked_for(
    token: Path, transport: str, asked: dict[str, str], stream: str
) -> None:
    server = Mastodon()
    async with (
        server.running() as address,
        source_of(MastodonSource, **settings(address, token, transport=transport, **asked)) as source,
    ):
        await events_of(source, 1)
    assert server.streams == [stream]


@TRANSPORTS
async def test_a_wrong_token_is_no_reason_to_try_again(tmp_path: Path, transport: str) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("revoked")
    wrong.chmod(0o600)
    server = Mastodon()
    async with (
        server.running() as address,
        source_of(MastodonSource, **settings(address, wrong, transport=transport)) as source,
    ):
        with pytest.raises(TokenError, match=r"401.*mastodon\.token_file"):
            await events_of(source, 1)


def test_a_token_with_a_line_break_inside_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one\ntwo")
    with pytest.raises(SettingsError, match="no token has"):
        authorization("mastodon.token_file", file)


@TRANSPORTS
async def test_a_server_that_sends_nothing_counts_as_lost(token: Path, transport: str) -> None:
    server = Mastodon(silent=True)
    async with server.running() as address:
        asked = settings(address, token, transport=transport) | {"feed": {"silence_seconds": 0.05}}
        async with source_of(MastodonSource, **asked) as source:
            with pytest.raises(SourceError, match="was silent for"):
                await events_of(source, 2)


@TRANSPORTS
async def test_a_stream_that_ends_is_an_error_that_is_tried_again(token: Path, transport: str) -> None:
    server = Mastodon()
    async with (
        server.running() as address,
        source_of(MastodonSource, **settings(address, token, transport=transport)) as source,
    ):
        events = source.connect(None)
        await anext(events)
        server.cut()
        with pytest.raises(SourceError):
            await _until_the_end(events)


async def _until_the_end(events: AsyncGenerator[Event]) -> None:
    async for _ in events:
        pass


async def test_the_time_without_a_connection_is_a_gap(token: Path) -> None:
    server = Mastodon()
    async with server.running() as address, source_of(MastodonSource, **settings(address, token)) as source:
        gap = of_kind(await events_of(source, 2, {"at": 1_764_000_000.0}), Gap)[0]
    assert gap.reason == "no_replay"
    assert gap.seconds
    assert gap.seconds > 86_400


async def test_a_position_in_the_future_is_a_gap_of_unknown_length(token: Path) -> None:
    server = Mastodon()
    async with server.running() as address, source_of(MastodonSource, **settings(address, token)) as source:
        gap = of_kind(await events_of(source, 2, {"at": 9_999_999_999.0}), Gap)[0]
    assert gap.seconds is None


async def test_a_page_that_is_no_stream_is_an_error(token: Path) -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<html>welcome</html>", content_type="text/html")

    application = web.Application()
    application.add_routes([web.get("/{anything:.*}", page)])
    async with serving(application) as address, source_of(MastodonSource, **settings(address, token)) as source:
        with pytest.raises(SourceError, match="is text/html, not a stream"):
            await events_of(source, 1)


async def test_heartbeats_move_the_position(token: Path) -> None:
    server = Mastodon()
    async with server.running() as address, source_of(MastodonSource, **settings(address, token)) as source:
        heartbeat = of_kind(await events_of(source, 2), Heartbeat)[0]
    assert heartbeat.cursor
