"""X's filtered stream from a local server, and its rules."""

import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from stream.feed.events import Event, Gap, Heartbeat, Ignored, Opened, Post, Reason
from stream.feed.http import open_session
from stream.feed.source import Failure, SourceError, TokenError
from stream.feed.sources.x import XSource
from stream.feed.x_rules import Rule, Rules
from stream.settings import Settings
from tests.feed.posts import x_post
from tests.feed.x import TOKEN, X, too_many_requests
from tests.unit.feed.sources import events_of, of_kind, source_of


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    return file


def settings(address: str, token: Path, **x: Any) -> dict[str, dict[str, Any]]:
    return {"x": {"server": address, "token_file": token, **x}}


async def received(token: Path, message: dict[str, Any] | bytes, *, authors: bool = False) -> Event:
    """Return the event of one message that a server sends."""
    server = X()
    async with (
        server.running() as address,
        source_of(XSource, **settings(address, token), feed={"authors": authors}) as source,
    ):
        events = source.connect(None)
        assert isinstance(await anext(events), Opened)
        server.send(message)
        while isinstance(event := await anext(events), Heartbeat):
            pass
        await events.aclose()
    return event


async def test_a_line_is_a_post_with_the_tag_of_its_rule(token: Path) -> None:
    post = await received(token, x_post(3))
    assert isinstance(post, Post)
    assert (post.id, post.entity, post.languages, post.author) == ("1900000000003", "ferries", ("de",), None)
    assert post.at == 1_795_836_000.0


async def test_the_tag_that_names_an_entity_of_the_settings_is_preferred(token: Path) -> None:
    message = x_post(3)
    message["matching_rules"] = [{"id": "1", "tag": "other"}, {"id": "2", "tag": "volvo"}]
    server = X()
    async with server.running() as address, open_session() as session:
        names = {"volvo": "Volvo"}
        source = XSource(
            Settings.model_validate(settings(address, token)), session, lambda tag: names.get(tag.casefold())
        )
        events = source.connect(None)
        await anext(events)
        server.send(message)
        while isinstance(event := await anext(events), Heartbeat):
            pass
        await events.aclose()
    assert isinstance(event, Post)
    assert event.entity == "Volvo"


@pytest.mark.parametrize("rules", [None, [], [{"id": "1"}], ["x"], [{"tag": 7}], [{"tag": " "}]])
async def test_a_post_without_a_tag_has_no_entity(token: Path, rules: object) -> None:
    message = x_post(3) | {"matching_rules": rules}
    post = await received(token, message)
    assert isinstance(post, Post)
    assert post.entity is None


async def test_a_long_post_has_its_whole_text(token: Path) -> None:
    post = await received(token, x_post(3, note_tweet={"text": "the whole text"}))
    assert isinstance(post, Post)
    assert post.text == "the whole text"


async def test_an_edited_post_names_the_versions_that_it_replaces(token: Path) -> None:
    post = await received(token, x_post(3, edit_history_tweet_ids=["17", "18", "1900000000003"]))
    assert isinstance(post, Post)
    assert (post.edited, post.replaces) == (True, ("17", "18"))


async def test_authors_are_published_where_the_settings_say_so(token: Path) -> None:
    post = await received(token, x_post(3, author_id="99"), authors=True)
    assert isinstance(post, Post)
    assert post.author == "99"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"{not json\r\n", Reason.NOT_JSON),
        (b"[1]\r\n", Reason.NOT_A_POST),
        (b"{}\r\n", Reason.NOT_A_POST),
        (b'{"data":7}\r\n', Reason.NOT_A_POST),
        (b'{"data":{"text":"a"}}\r\n', Reason.NO_ID),
        (b'{"data":{"id":7,"text":"a"}}\r\n', Reason.NO_ID),
        (b'{"data":{"id":"7"}}\r\n', Reason.NO_TEXT),
        (b'{"data":{"id":"7","text":7}}\r\n', Reason.BAD_TEXT),
        (b'"' + b"x" * 1_000_000 + b'"\r\n', Reason.TOO_LARGE),
        (b'"' + b"x" * 5_000_000 + b'"\r\n', Reason.TOO_LARGE),
    ],
)
async def test_a_line_that_is_no_post_has_a_reason(token: Path, message: bytes, reason: Reason) -> None:
    event = await received(token, message)
    assert isinstance(event, Ignored)
    assert event.reason == reason


async def test_keep_alive_lines_are_heartbeats(token: Path) -> None:
    server = X()
    async with server.running() as address, source_of(XSource, **settings(address, token)) as source:
        assert len(of_kind(await events_of(source, 3), Heartbeat)) == 2


async def test_a_stream_without_keep_alive_lines_counts_as_lost(token: Path) -> None:
    server = X(keepalive_seconds=0)
    async with (
        server.running() as address,
        source_of(XSource, **settings(address, token, keepalive_seconds=0.05)) as source,
    ):
        with pytest.raises(SourceError, match="was silent"):
            await events_of(source, 2)


async def test_an_operational_disconnect_names_its_reason(token: Path) -> None:
    error = {"errors": [{"title": "operational-disconnect", "detail": "disconnected upstream"}]}
    with pytest.raises(SourceError, match="ended by X: disconnected upstream"):
        await received(token, orjson.dumps(error) + b"\r\n")


async def test_too_many_connections_name_their_reason(token: Path) -> None:
    error = {"title": "ConnectionException", "detail": "at the maximum allowed connection limit"}
    with pytest.raises(SourceError, match="maximum allowed"):
        await received(token, orjson.dumps(error) + b"\r\n")


async def test_a_rate_limit_is_waited_for_until_the_time_that_x_names(token: Path) -> None:
    server = X(refusals=[too_many_requests(reset_in_seconds=300)])
    async with server.running() as address, source_of(XSource, **settings(address, token)) as source:
        with pytest.raises(SourceError) as caught:
            await events_of(source, 1)
        assert caught.value.failure is Failure.RATE_LIMIT
        assert caught.value.retry_seconds == pytest.approx(300, abs=5)
        assert 290 < source.delays().after(caught.value) < 331


async def test_an_http_error_is_tried_again(token: Path) -> None:
    server = X(refusals=[web.Response(status=503, text="over capacity")])
    async with server.running() as address, source_of(XSource, **settings(address, token)) as source:
        with pytest.raises(SourceError, match="503: over capacity") as caught:
            await events_of(source, 1)
        assert caught.value.failure is Failure.HTTP


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_not_tried_again(token: Path, status: int) -> None:
    server = X(refusals=[web.Response(status=status)])
    async with server.running() as address, source_of(XSource, **settings(address, token)) as source:
        with pytest.raises(TokenError, match=r"x\.token_file"):
            await events_of(source, 1)


async def test_without_a_token_nothing_is_asked() -> None:
    with pytest.raises(TokenError, match="X needs a token"):
        async with source_of(XSource):
            pass


@pytest.mark.parametrize(
    ("allowed", "away_seconds", "asked", "gap_seconds"),
    [(0, 90, None, 90), (5, 90, "2", None), (5, 600, "5", 300), (1, 90, "1", 30)],
)
async def test_backfill_covers_the_time_away_as_far_as_allowed(
    token: Path, allowed: int, away_seconds: float, asked: str | None, gap_seconds: float | None
) -> None:
    server = X()
    async with (
        server.running() as address,
        source_of(XSource, **settings(address, token, backfill_minutes=allowed)) as source,
    ):
        events = await events_of(source, 2, {"at": time.time() - away_seconds})
    assert server.requests[0].query.get("backfill_minutes") == asked
    assert [gap.seconds for gap in of_kind(events, Gap)] == (
        [] if gap_seconds is None else [pytest.approx(gap_seconds, abs=5)]
    )


async def test_without_a_position_there_is_neither_backfill_nor_gap(token: Path) -> None:
    server = X()
    async with (
        server.running() as address,
        source_of(XSource, **settings(address, token, backfill_minutes=5)) as source,
    ):
        events = await events_of(source, 2)
    assert "backfill_minutes" not in server.requests[0].query
    assert of_kind(events, Gap) == []


async def test_rules_are_added_listed_and_deleted(token: Path) -> None:
    server = X()
    async with server.running() as address, open_session() as session:
        rules = Rules(Settings.model_validate(settings(address, token)), session)
        assert await rules.listed() == []
        rule = await rules.add('"oat milk" lang:en', "oat milk")
        assert await rules.listed() == [rule] == [Rule(rule.id, '"oat milk" lang:en', "oat milk")]
        assert await rules.delete([rule.id]) == 1
        assert await rules.listed() == []


async def test_a_rule_that_x_does_not_accept_is_refused_with_its_reason(token: Path) -> None:
    server = X()
    async with server.running() as address, open_session() as session:
        rules = Rules(Settings.model_validate(settings(address, token)), session)
        with pytest.raises(SourceError, match="missing a closing quote"):
            await rules.add('"oat milk', "")
        with pytest.raises(SourceError, match="deleted 0 of 1"):
            await rules.delete(["17"])
