"""The commands `starling feed …` without a network: costs, filters of files, wrong options."""

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream.cli import app
from stream.commands.feed.feed import FeedRequest, run_feed
from stream.commands.send import Messages, Selection
from stream.errors import ListenError, SettingsError
from stream.settings import LimitSettings
from stream.tweets.reader import FileOptions
from stream.tweets.source import open_source
from stream.tweets.tweet import Tweet

LINES = b'{"id":"1","text":"a"}\n{"id":"2","text":"b"}\nnot json\n{"id":"3","text":"c"}\n'


def sent(path: Path, selection: Selection, *, most: int = 2) -> tuple[list[bytes], Messages]:
    path.write_bytes(LINES)
    with open_source(str(path)) as source:
        messages = Messages(source, FileOptions(), LimitSettings(), most=most, selection=selection)
        found = []
        while batch := messages.next_batch():
            found.extend(batch)
    return found, messages


def test_what_a_filter_leaves_out_is_counted_by_reason(tmp_path: Path) -> None:
    def leave_out(tweet: Tweet) -> str | None:
        return "language" if tweet.text == "b" else None

    found, messages = sent(tmp_path / "posts", Selection(reason_to_leave_out=leave_out))
    assert [message[6:9] for message in found] == [b'"1"', b'"3"']
    assert messages.left_out == {"language": 1, "not_json": 1}
    assert messages.to_be_rejected.total == 0


@pytest.mark.parametrize("most", [1, 2, 3, 4])
@pytest.mark.parametrize("batch", [1, 2, 256])
def test_a_file_is_sent_up_to_the_limit(tmp_path: Path, most: int, batch: int) -> None:
    found, _ = sent(tmp_path / "posts", Selection(most), most=batch)
    assert found == LINES.splitlines()[:most]


def test_posts_that_cost_money_need_a_limit_or_the_word_that_there_is_none() -> None:
    with pytest.raises(SettingsError, match=r"\$0\.005 for each post.*--most N.*--unlimited"):
        run_feed(FeedRequest("x"), broker=None, config=None)


def test_a_wrong_option_names_its_origin() -> None:
    with pytest.raises(SettingsError, match=r"feed\.languages.*in the options"):
        run_feed(FeedRequest("bluesky", {"feed": {"languages": ["english!"]}}), broker=None, config=None)


def test_an_address_in_use_names_the_setting_of_the_feeder_s_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        feed = {"http_port": taken.getsockname()[1], "state_folder": str(tmp_path)}
        with pytest.raises(ListenError, match=r"set http\.host and feed\.http_port to a free address"):
            run_feed(FeedRequest("bluesky", {"feed": feed}), broker=None, config=None)


def test_filtering_by_entities_needs_entities(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_bytes(LINES)
    answer = CliRunner().invoke(app, ["feed", "file", str(file), "--entities"])
    assert isinstance(answer.exception, SettingsError)
    assert "[[entities]]" in str(answer.exception)


@pytest.mark.parametrize(
    "command", ["bluesky", "mastodon", "x", "file", "stdin", "rules list", "rules add", "rules delete"]
)
def test_every_command_has_help(command: str) -> None:
    answer = CliRunner().invoke(app, ["feed", *command.split(), "--help"])
    assert answer.exit_code == 0
    assert f"starling feed {command}" in answer.output
