import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from stream.errors import InputError
from tests.training import x_api_server
from tests.training.replab_folder import Row, write_replab
from tests.training.x_api_server import TOKEN, Api, Handler, rate_limited, served
from training.cli import app
from training.commands.hydrate import TOKEN_VARIABLE, read_ids
from training.data.replab import read_replab
from training.errors import HydrationError
from training.hydration.hydrate import hydrate
from training.hydration.journal import Journal
from training.hydration.x_api import XApi


class Watched:
    """Progress, kept; its sleep does not."""

    def __init__(self) -> None:
        self.tweets = 0
        self.waits: list[str] = []
        self.slept: list[float] = []

    def done(self, tweets: int) -> None:
        self.tweets += tweets

    def waiting(self, reason: str, seconds: float) -> None:  # noqa: ARG002
        self.waits.append(reason)


@pytest.fixture
def api() -> Iterator[Api]:
    with served(Api({str(number): {"text": f"Tweet {number}", "lang": "en"} for number in range(1, 251)})) as api:
        yield api


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "texts.jsonl"


def fetch(api: Api, out: Path, *ids: str, token: str = TOKEN) -> Watched:
    watched = Watched()
    with Journal(out) as journal:
        hydrate(ids, XApi(SecretStr(token), api.address), journal, watched, sleep=watched.slept.append)
    return watched


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_texts_are_fetched_in_batches_of_a_hundred(api: Api, out: Path) -> None:
    ids = [str(number) for number in range(1, 251)]
    watched = fetch(api, out, *ids)
    assert [len(batch) for batch in api.asked] == [100, 100, 50]
    assert watched.tweets == 250
    assert {row["id"]: row["text"] for row in rows(out)} == {each: f"Tweet {each}" for each in ids}


def test_what_is_not_there_is_listed_apart_with_the_reason(api: Api, out: Path) -> None:
    api.problems["900"] = "not-authorized-for-resource"
    api.tweets["901"] = {"text": "", "withheld": {"copyright": False, "country_codes": ["XY"]}}
    fetch(api, out, "1", "900", "901", "902")
    missing = {row["id"]: row["reason"] for row in rows(out.with_name("texts.jsonl.missing"))}
    assert missing == {"900": "not-authorized-for-resource", "901": "withheld", "902": "resource-not-found"}
    assert [row["id"] for row in rows(out)] == ["1"]


def test_a_long_tweet_comes_whole(api: Api, out: Path) -> None:
    api.tweets["7"] = {"text": "The beginning…", "note_tweet": {"text": "The beginning and the end"}}
    fetch(api, out, "7")
    assert rows(out)[0]["text"] == "The beginning and the end"


def test_an_id_that_the_answer_lacks_is_not_requested_again(api: Api, out: Path) -> None:
    api.troubles.append(lambda handler: handler.reply(200, {}))
    fetch(api, out, "1")
    fetch(api, out, "1")
    assert len(api.asked) == 1
    assert rows(out.with_name("texts.jsonl.missing"))[0]["reason"] == "not-answered"


def test_what_is_known_is_not_asked_for_again(api: Api, out: Path) -> None:
    fetch(api, out, "1", "900")
    fetch(api, out, "1", "900", "2", "2")
    assert api.asked == [["1", "900"], ["2"]]


def test_a_rate_limit_is_waited_out_until_the_time_it_names(api: Api, out: Path) -> None:
    api.troubles.append(rate_limited(840))
    watched = fetch(api, out, "1")
    assert watched.waits == ["the rate limit is reached"]
    assert 835 < watched.slept[0] < 842
    assert len(rows(out)) == 1


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("unavailable", "503 Service Unavailable"),
        ("cut_in_the_middle", "the connection was cut"),
        ("not_json", "an answer that is not JSON"),
    ],
)
def test_a_temporary_fault_is_reported_and_retried(api: Api, out: Path, trouble: str, said: str) -> None:
    api.troubles.extend([getattr(x_api_server, trouble)] * 2)
    watched = fetch(api, out, "1")
    assert len(watched.slept) == 2
    assert watched.waits[0].startswith(said)
    assert [row["id"] for row in rows(out)] == ["1"]


def test_a_lasting_fault_ends_the_command_and_what_was_fetched_is_kept(api: Api, out: Path) -> None:
    fetch(api, out, "1")
    api.troubles.extend([x_api_server.unavailable] * 20)
    with pytest.raises(HydrationError, match=r"did not answer in 8 tries: 503 .*the same command goes on"):
        fetch(api, out, "1", "2")
    assert len(api.asked) == 1 + 8
    assert len(rows(out)) == 1


def test_an_unreachable_api_is_retried(out: Path) -> None:
    with pytest.raises(HydrationError, match="did not answer in 8 tries: it cannot be reached; what was"):
        fetch(Api(address="http://127.0.0.1:9"), out, "1")


def test_a_wrong_token_is_reported_at_once(api: Api, out: Path) -> None:
    with pytest.raises(HydrationError, match=r"the X API refuses: 401 .*is the bearer token right\?"):
        fetch(api, out, "1", token="guessed")  # noqa: S106
    assert len(api.asked) == 1


def test_a_plan_that_is_used_up_is_reported_at_once(api: Api, out: Path) -> None:
    api.troubles.append(x_api_server.used_up)
    with pytest.raises(HydrationError, match="this month are used up"):
        fetch(api, out, "1")


def test_a_plan_that_is_used_up_is_not_waited_for_whatever_the_headers_say(api: Api, out: Path) -> None:
    api.troubles.append(x_api_server.used_up_with_a_reset)
    with pytest.raises(HydrationError, match="this month are used up"):
        fetch(api, out, "1")


class Clock:
    """A clock of this machine that is wrong."""

    def __init__(self, wrong_by_seconds: float) -> None:
        self._wrong_by_seconds = wrong_by_seconds

    def time(self) -> float:
        return time.time() + self._wrong_by_seconds


@pytest.mark.parametrize("wrong_by_seconds", [-7200, 7200])
def test_the_wait_does_not_depend_on_this_machines_clock(
    api: Api, out: Path, monkeypatch: pytest.MonkeyPatch, wrong_by_seconds: float
) -> None:
    monkeypatch.setattr("training.hydration.x_api.time", Clock(wrong_by_seconds))
    api.troubles.append(rate_limited(840))
    assert 835 < fetch(api, out, "1").slept[0] < 843


def test_a_reset_in_the_past_makes_the_wait_grow_and_ends_after_some_tries(api: Api, out: Path) -> None:
    api.troubles.extend([rate_limited(-3600)] * 20)
    with pytest.raises(HydrationError, match="did not answer in 8 tries: the rate limit is reached"):
        watched = fetch(api, out, "1")
    assert len(api.asked) == 8
    api.troubles[:] = [rate_limited(-3600)] * 3
    watched = fetch(api, out, "1")
    assert [30 * 2**number <= seconds <= 90 * 2**number for number, seconds in enumerate(watched.slept)] == [True] * 3


@pytest.mark.parametrize("scope", ["app", "user"])
def test_a_limit_of_24_hours_is_waited_out(api: Api, out: Path, scope: str) -> None:
    prefix = f"x_{scope}_limit_24hour"
    reset = {f"{prefix}_remaining": "0", f"{prefix}_reset": str(int(time.time()) + 70_000)}
    api.troubles.append(rate_limited(3, **reset))
    assert 69_990 < fetch(api, out, "1").slept[0] < 70_003


def test_a_limit_that_is_not_reached_is_not_waited_for(api: Api, out: Path) -> None:
    reset = {"x_app_limit_24hour_remaining": "5", "x_app_limit_24hour_reset": str(int(time.time()) + 70_000)}
    api.troubles.append(rate_limited(840, **reset))
    assert 835 < fetch(api, out, "1").slept[0] < 843


def test_ids_that_no_tweet_can_have_are_listed_and_not_requested(api: Api, out: Path, tmp_path: Path) -> None:
    ids = ["1", "9999999999999999999", "0", "2", "9" * 30]
    (tmp_path / "ids.txt").write_text("\n".join(ids))
    fetch(api, out, *read_ids(tmp_path / "ids.txt"))
    assert api.asked == [["1", "2"]]
    assert [row["id"] for row in rows(out)] == ["1", "2"]
    missing = {row["id"]: row["reason"] for row in rows(out.with_name("texts.jsonl.missing"))}
    assert missing == dict.fromkeys(["9999999999999999999", "0", "9" * 30], "not-an-id")


def test_an_id_that_the_api_refuses_does_not_end_the_others(api: Api, out: Path) -> None:
    api.troubles.append(x_api_server.refusing("7", "9"))
    fetch(api, out, "1", "7", "8", "9")
    assert api.asked == [["1", "7", "8", "9"], ["1", "8"]]
    assert [row["id"] for row in rows(out)] == ["1", "8"]
    missing = {row["id"]: row["reason"] for row in rows(out.with_name("texts.jsonl.missing"))}
    assert missing == {"7": "not-an-id", "9": "not-an-id"}


def test_a_request_that_is_refused_for_another_reason_ends_with_it(api: Api, out: Path) -> None:
    api.troubles.append(x_api_server.refusing("tweet.fields"))
    with pytest.raises(HydrationError, match="the X API refuses: 400"):
        fetch(api, out, "1")
    assert not out.with_name("texts.jsonl.missing").read_text()


def test_an_answer_without_tweets_or_without_texts_is_read(api: Api, out: Path) -> None:
    problem = {"value": "1", "title": "Not Found Error", "type": x_api_server.PROBLEM + "resource-not-found"}
    api.troubles.append(lambda handler: handler.reply(200, {"data": None, "errors": [problem]}))
    api.troubles.append(lambda handler: handler.reply(200, {"data": [{"id": "2"}, {"id": "3", "text": "t"}]}))
    fetch(api, out, "1")
    fetch(api, out, "2", "3")
    missing = {row["id"]: row["reason"] for row in rows(out.with_name("texts.jsonl.missing"))}
    assert missing == {"1": "resource-not-found", "2": "withheld"}
    assert [row["id"] for row in rows(out)] == ["3"]


def test_an_incomplete_last_line_is_removed_and_its_tweet_requested_again(api: Api, out: Path) -> None:
    fetch(api, out, "1", "2")
    out.write_bytes(out.read_bytes()[:-9])
    fetch(api, out, "1", "2")
    assert api.asked == [["1", "2"], ["2"]]
    assert [row["id"] for row in rows(out)] == ["1", "2"]


@given(cut=st.integers(0, 120))
def test_a_file_cut_anywhere_is_gone_on_with(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    file = tmp_path_factory.mktemp("journal") / "texts.jsonl"
    lines = [json.dumps({"id": str(number), "text": f"Café {number}"}) + "\n" for number in range(5)]
    content = "".join(lines).encode()
    file.write_bytes(content[:cut])
    with Journal(file) as journal:
        assert list(journal.texts) == [str(number) for number in range(content[:cut].count(b"\n"))]


def test_a_file_of_something_else_is_left_alone(out: Path) -> None:
    out.write_text("notes\n")
    with pytest.raises(InputError, match="line 1 is not from an earlier hydration"):
        Journal(out)
    assert out.read_text() == "notes\n"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["tweets", "hydrate", *(str(argument) for argument in arguments)])


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    return file


def test_the_command_says_what_it_found(api: Api, out: Path, tmp_path: Path, token_file: Path) -> None:
    (tmp_path / "ids.txt").write_text("1\n2,neutral\n\n900\n1\n")
    result = run(tmp_path / "ids.txt", "--out", out, "--token-file", token_file, "--api", api.address)
    assert result.stdout.splitlines() == [
        f"2 of 3 tweets are in {out}",
        f"1 resource-not-found, listed in {out}.missing",
    ]


def test_without_a_token_the_command_says_where_to_put_it(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    (tmp_path / "ids.txt").write_text("1\n")
    assert "set X_BEARER_TOKEN" in str(run(tmp_path / "ids.txt", "--out", out).exception)


def test_a_line_without_an_id_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ids.txt"
    file.write_text("1\nhello\n")
    with pytest.raises(InputError, match=r"line 2 begins with 'hello', which is not the id of a tweet"):
        read_ids(file)


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1))
def test_ids_are_read_whatever_follows_them(tmp_path_factory: pytest.TempPathFactory, ids: list[int]) -> None:
    file = tmp_path_factory.mktemp("ids") / "ids.txt"
    separators = ["\n", "\tneutral\ttext\n", ",1\n", " \r\n"]
    file.write_text("".join(f"{each}{separators[number % 4]}" for number, each in enumerate(ids)), newline="")
    assert read_ids(file) == [str(each) for each in ids]


def test_replabs_texts_are_written_where_its_reader_finds_them(
    api: Api, out: Path, tmp_path: Path, token_file: Path
) -> None:
    rows: list[Row] = [
        ("1", "EN", "POSITIVE", "Here already"),
        ("2", "EN", "POSITIVE", None),
        ("3", "ES", "POSITIVE", None),
        ("4", "EN", "POSITIVE", None),
    ]
    write_replab(tmp_path / "replab" / "training", rows)
    api.tweets["2"] = {"text": 'A "quoted"\tword\nand a line'}
    del api.tweets["4"]
    result = run(tmp_path / "replab", "--out", out, "--token-file", token_file, "--api", api.address)
    assert result.exit_code == 0
    assert api.asked == [["2", "4"]]  # 1 is here already, 3 is Spanish
    dataset = read_replab(tmp_path / "replab")
    assert [tweet.text for tweet in dataset.tweets] == ["Here already", 'A "quoted" word and a line']
    assert dataset.ids_without_text == ["4"]


def test_a_killed_command_continues_when_it_is_repeated(api: Api, out: Path, tmp_path: Path) -> None:
    reached, released = threading.Event(), threading.Event()

    def hang(handler: Handler) -> None:
        reached.set()
        released.wait(60)
        handler.close_connection = True

    api.troubles.extend([lambda handler: handler.reply(200, api.answer(api.asked[-1])), hang])
    (tmp_path / "ids.txt").write_text("".join(f"{number}\n" for number in range(1, 251)))
    command = [
        sys.executable,
        "-m",
        "stream",
        "tweets",
        "hydrate",
        str(tmp_path / "ids.txt"),
        "--out",
        str(out),
        "--api",
        api.address,
    ]
    environment = os.environ | {TOKEN_VARIABLE: TOKEN}
    with subprocess.Popen(command, env=environment) as process:
        assert reached.wait(60)
        process.send_signal(signal.SIGKILL)
    released.set()
    assert len(rows(out)) == 100
    subprocess.run(command, env=environment, check=True, timeout=60)
    assert [row["id"] for row in rows(out)] == [str(number) for number in range(1, 251)]
    assert [batch[0] for batch in api.asked] == ["1", "101", "101", "201"]
