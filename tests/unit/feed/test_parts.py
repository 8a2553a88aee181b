"""The parts of the feeder that know no source: filters, window, position, delays, messages, progress."""

import asyncio
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import InputError, SettingsError
from stream.feed.delays import DocumentedDelays, RandomDelays
from stream.feed.events import Deletion, Gap, Ignored, Post, Reason
from stream.feed.feeder import posts_topic
from stream.feed.filters import Filter
from stream.feed.http import wait_seconds
from stream.feed.messages import deletion_message, edit_message, gap_message, post_message
from stream.feed.position import Position, locked, state_folder
from stream.feed.progress import FeedHealth
from stream.feed.recent import RecentlySeen
from stream.feed.source import Failure, SourceError
from stream.feed.window import Outgoing, Window
from stream.settings import LimitSettings, Settings, load_settings
from stream.tweets.decoding import decode_tweet


def judged(post: Post, **sections: Any) -> Post | Ignored:
    return Filter(Settings.model_validate(sections)).judge(post)


def post(text: str, *languages: str, identifier: str = "1") -> Post:
    return Post(identifier, text, {"at": 1}, at=1.0, languages=languages)


@pytest.mark.parametrize(
    ("wanted", "languages", "accepted"),
    [
        (["en"], ("en",), True),
        (["en"], ("EN-gb",), True),
        (["en"], ("de", "en"), True),
        (["en"], ("eng",), False),
        (["pt-BR"], ("pt",), False),
        (["pt-BR"], ("pt-br",), True),
        (["en"], (), False),
        ([], (), True),
    ],
)
def test_posts_in_other_languages_are_left_out(wanted: list[str], languages: tuple[str, ...], accepted: bool) -> None:  # noqa: FBT001  (a parameter of a test)
    found = judged(post("a", *languages), feed={"languages": wanted})
    assert isinstance(found, Post) == accepted
    if isinstance(found, Ignored):
        assert (found.reason, found.cursor, found.at) == (Reason.LANGUAGE, {"at": 1}, 1.0)


def test_the_language_that_was_asked_for_comes_first() -> None:
    found = judged(post("a", "de", "en"), feed={"languages": ["en"]})
    assert isinstance(found, Post)
    assert found.languages == ("en",)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("My OAT milk froze", True),
        ("oat\n milk?", True),
        ("goat milkshake", False),
        ("#OatMilk", True),
        ("日本語のコーヒー店", True),
        ("tea", False),
    ],
)
def test_posts_without_the_words_are_left_out(text: str, accepted: bool) -> None:  # noqa: FBT001  (a parameter of a test)
    found = judged(post(text), feed={"words": ["oat milk", "コーヒー"]})
    assert isinstance(found, Post) == accepted


def test_posts_without_an_entity_are_left_out_where_only_entities_are_wanted() -> None:
    sections = {"feed": {"only_entities": True}, "entities": [{"name": "Volvo", "aliases": ["XC60"]}]}
    assert isinstance(judged(post("a new xc60 at last"), **sections), Post)
    found = judged(post("a bicycle"), **sections)
    assert isinstance(found, Ignored)
    assert found.reason == Reason.ENTITIES


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (post(" \n"), Reason.NO_TEXT),
        (post("a" * 10_001), Reason.TOO_LONG),
        (post("a", identifier=" "), Reason.NO_ID),
        (post("a", identifier="1" * 129), Reason.NO_ID),
    ],
)
def test_a_post_that_a_node_would_reject_is_left_out(fault: Post, reason: Reason) -> None:
    found = judged(fault)
    assert isinstance(found, Ignored)
    assert found.reason == reason


@pytest.mark.parametrize("word", ["", " ", "#", "…"])
def test_a_word_without_letters_is_a_wrong_setting(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_FEED__WORDS", orjson.dumps([word]).decode())
    with pytest.raises(SettingsError, match=r"feed\.words"):
        load_settings()


@given(
    st.text(min_size=1).filter(str.strip),
    st.sampled_from([(), ("en",), ("pt-BR", "en")]),
    st.none() | st.floats(0, 4e9),
)
def test_every_post_is_a_tweet_that_nodes_accept(text: str, languages: tuple[str, ...], at: float | None) -> None:
    message = post_message(Post("bluesky/1", text, None, at, languages, entity="Volvo"), "bluesky")
    tweet = decode_tweet(message, LimitSettings())
    assert (tweet.id, tweet.text, tweet.entity) == ("bluesky/1", text, "Volvo")
    assert tweet.lang == (languages[0] if languages else None)


def test_changes_have_a_kind_and_the_identifier_of_the_post() -> None:
    edit = orjson.loads(edit_message(Post("2", "new", None, 1.5, replaces=("1",), edited=True), "x"))
    assert edit == {
        "kind": "edit",
        "id": "2",
        "replaces": ["1"],
        "text": "new",
        "created_at": "1970-01-01T00:00:01.500Z",
        "source": "x",
    }
    assert orjson.loads(deletion_message(Deletion("1", None, 2.0), "bluesky")) == {
        "kind": "deletion",
        "id": "1",
        "deleted_at": "1970-01-01T00:00:02.000Z",
        "source": "bluesky",
    }
    assert orjson.loads(gap_message(Gap("no_replay", None, 3.0), "mastodon")) == {
        "kind": "gap",
        "reason": "no_replay",
        "seconds": None,
        "since": "1970-01-01T00:00:03.000Z",
        "source": "mastodon",
    }


def test_a_time_that_is_no_date_is_left_out() -> None:
    assert "created_at" not in orjson.loads(post_message(Post("1", "a", None, 1e18), "bluesky"))


def outgoing(number: int | None) -> Outgoing:
    cursor = None if number is None else {"at": number}
    return Outgoing("tweets/in", b"", "post", cursor, 0.0, time.monotonic())


async def test_a_position_is_released_once_everything_before_it_is_confirmed() -> None:
    window = Window(None, 10)
    messages = [outgoing(number) for number in range(3)]
    for message in messages:
        await window.add(message)
    window.confirm(messages[1])
    released = [window.released]
    window.confirm(messages[0])
    released.append(window.released)
    assert released == [None, {"at": 1}]
    window.confirm(messages[2])
    assert (window.released, len(window)) == ({"at": 2}, 0)


async def test_what_is_left_out_moves_the_position_after_the_messages_before_it() -> None:
    window = Window({"at": 0}, 10)
    window.skip({"at": 1}, None)
    assert window.released == {"at": 1}
    message = outgoing(2)
    await window.add(message)
    window.skip({"at": 3}, None)
    assert (window.released, window.received) == ({"at": 1}, {"at": 3})
    window.confirm(message)
    assert window.released == {"at": 3}


@given(st.lists(st.sampled_from(["add", "skip", "none"]), max_size=30), st.randoms())
def test_no_position_is_released_before_an_unconfirmed_message(steps: list[str], order: Any) -> None:
    async def run() -> None:
        window = Window({"at": -1}, 100)
        unconfirmed: list[tuple[int, Outgoing]] = []
        for number, step in enumerate(steps):
            if step == "skip":
                window.skip({"at": number}, None)
            else:
                message = outgoing(number if step == "add" else None)
                await window.add(message)
                unconfirmed.append((number, message))
            while unconfirmed and order.random() < 0.4:
                _, done = unconfirmed.pop(order.randrange(len(unconfirmed)))
                window.confirm(done)
            assert window.released is not None
            assert all(window.released["at"] < number for number, _ in unconfirmed)

    asyncio.run(run())


async def test_messages_that_were_sent_and_not_confirmed_are_sent_again_in_order() -> None:
    window = Window(None, 10)
    messages = [outgoing(number) for number in range(3)]
    for message in messages:
        await window.add(message)
    assert [await window.following() for _ in range(2)] == messages[:2]
    window.confirm(messages[0])
    assert window.unconfirmed() == [messages[1]]


async def test_the_lag_is_the_age_of_the_oldest_message() -> None:
    window = Window(None, 10)
    message = Outgoing("tweets/in", b"", "post", None, 7.0, time.monotonic() - 5)
    await window.add(message)
    assert window.oldest_age_seconds() >= 12
    window.confirm(message)
    assert window.oldest_age_seconds() >= 12
    window.skip(None, 0.5)
    assert window.oldest_age_seconds() == 0.5


async def test_a_full_window_takes_no_more() -> None:
    window = Window(None, 2)
    for number in range(2):
        await window.add(outgoing(number))
    assert window.is_full
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await window.add(outgoing(2))


async def test_a_stored_position_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "feed-x.json"
    assert Position(path, "x").load() is None
    assert await Position(path, "x").store({"at": 5.25})
    assert Position(path, "x").load() == {"at": 5.25}


async def test_the_position_of_another_stream_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "feed-mastodon.json"
    await Position(path, "mastodon one").store({"at": 5})
    other = Position(path, "mastodon two")
    assert other.load() is None
    assert not other.unreadable


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"stream":"x"}',
        b'{"stream":"x","cursor":7}',
        b'{"stream":"x","cursor":{"at":[1]}}',
        b"x" * 70_000,
    ],
)
def test_a_damaged_position_is_noted(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "feed-x.json"
    path.write_bytes(content)
    position = Position(path, "x")
    assert position.load() is None
    assert position.unreadable


async def test_a_disk_that_takes_no_more_is_no_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert not await Position(blocked / "feed-x.json", "x").store({"at": 5})
    assert "cannot write the position" in caplog.text


def test_a_position_belongs_to_one_feeder(tmp_path: Path) -> None:
    path = tmp_path / "feed-x.json"
    with locked(path), pytest.raises(InputError, match="another feeder uses"), locked(path):
        pass
    with locked(path):
        pass


def test_the_folder_of_positions_is_the_settings_systemds_or_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/home/me/state")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert state_folder(None) == Path("/home/me/state/starling")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/starling-feed:/var/lib/other")
    assert state_folder(None) == Path("/var/lib/starling-feed")
    assert state_folder(Path("/mine")) == Path("/mine")


def error(failure: Failure, retry_seconds: float | None = None) -> SourceError:
    return SourceError("lost", failure, retry_seconds=retry_seconds)


@pytest.mark.parametrize(
    ("failure", "delays"),
    [
        (Failure.NETWORK, [0.25, 0.5, 0.75]),
        (Failure.HTTP, [5, 10, 20, 40, 80, 160, 320, 320]),
        (Failure.RATE_LIMIT, [60, 120, 240]),
    ],
)
def test_delays_after_failures_of_x_are_those_of_its_documentation(failure: Failure, delays: list[float]) -> None:
    documented = DocumentedDelays()
    for delay in delays:
        assert delay <= documented.after(error(failure)) <= delay * 1.1


def test_the_first_attempt_after_a_connection_with_data_is_made_at_once() -> None:
    documented = DocumentedDelays()
    documented.after(error(Failure.NETWORK))
    documented.reset()
    assert documented.after(error(Failure.NETWORK)) == 0
    assert documented.after(error(Failure.NETWORK)) >= 0.25


def test_the_time_that_a_source_names_is_waited_for() -> None:
    assert 100 <= RandomDelays(0.2).after(error(Failure.RATE_LIMIT, 100)) <= 100.2
    assert 100 <= DocumentedDelays().after(error(Failure.RATE_LIMIT, 100)) <= 110
    assert RandomDelays(0.2).after(error(Failure.HTTP, 1e9)) <= 3601


def test_random_delays_grow_up_to_the_longest() -> None:
    delays = RandomDelays(4)
    assert all(delays.after(error(Failure.NETWORK)) <= 4 for _ in range(50))
    delays.reset()
    assert delays.after(error(Failure.NETWORK)) <= 0.5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "Sat, 01 Jan 2000 00:00:00 GMT"}, 0),
        ({"X-RateLimit-Reset": "2000-01-01T00:00:00.000Z"}, 0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_the_time_to_wait_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_seconds(headers) == (None if seconds is None else pytest.approx(seconds, abs=30))


def test_the_time_to_wait_may_be_a_moment() -> None:
    assert wait_seconds({"x-rate-limit-reset": str(time.time() + 600)}) == pytest.approx(600, abs=60)


def test_the_oldest_of_the_recently_seen_are_forgotten() -> None:
    recent = RecentlySeen(2)
    assert [recent.seen_before(key) for key in ("a", "b", "a", "c", "a")] == [False, False, True, False, False]


def test_a_feeder_whose_progress_is_overdue_is_stuck() -> None:
    health = FeedHealth(stuck_seconds=0.0)
    assert health.stuck() is None
    health.reader.expect_within(60)
    assert health.stuck() is None
    health.publisher.expect_within(-1)
    assert "the publisher has made no progress" in str(health.stuck())
    health.publisher.expect_none()
    assert health.stuck() is None


def test_a_feeder_is_ready_once_source_and_broker_are_connected() -> None:
    health = FeedHealth(60)
    assert health.missing() == ["the broker is not connected", "the source is not connected"]
    health.broker_connected = True
    health.obstacles.clear()
    assert health.missing() == []


@pytest.mark.parametrize("topics", [{"tweets": "tweets/+"}, {"tweets": ["a", "tweets/#"]}])
def test_changes_that_would_come_back_as_tweets_are_refused(topics: dict[str, Any]) -> None:
    settings = Settings.model_validate({"topics": topics | {"labels": "labels", "rejected": "rejected"}})
    with pytest.raises(SettingsError, match="changes_topic"):
        posts_topic(settings, "posts")


def test_a_topic_with_wildcards_needs_another_one() -> None:
    with pytest.raises(SettingsError, match="--topic"):
        posts_topic(Settings.model_validate({"topics": {"tweets": "posts/#"}}), None)
    assert posts_topic(Settings.model_validate({"topics": {"tweets": "posts/#"}}), "posts/mine") == "posts/mine"
