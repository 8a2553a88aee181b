"""The commands that a person types: demo, classify, send, watch, check."""

import asyncio
import json
import os
from pathlib import Path

import orjson
import pytest

from stream.commands.demo.demo import sample_tweets
from stream.free_port import free_port
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, serving, settings_for, write_config
from tests.integration.program import STARLING, finished, started, without_noise

TWEETS = [
    b'{"id":"1","text":"I love this phone, the battery lasts for days!"}',
    b"not JSON",
    b"",
    b'{"id":"4","text":"worst airline ever, they lost my bag again"}',
    b'{"id":"5"}',
    b'{"id":"6","text":"the meeting is at ten","lang":"en"}',
]


async def test_classify_answers_every_line_in_its_place_and_says_nothing_else() -> None:
    code, out, err = await finished("classify", stdin=b"\n".join(TWEETS) + b"\n")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [line.get("id") for line in lines] == ["1", None, None, "4", "5", "6"]
    assert [line.get("polarity") for line in lines] == ["positive", None, None, "negative", None, "neutral"]
    assert [line.get("rejected") for line in lines] == [None, "not_json", "empty", None, "no_text", None]


async def test_classify_reads_a_file_without_a_last_line_end(tmp_path: Path) -> None:
    file = tmp_path / "tweets.jsonl"
    file.write_bytes(b"\r\n".join(TWEETS))
    _, out, _ = await finished("classify", str(file))
    assert len(out.splitlines()) == len(TWEETS)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["/nowhere/tweets.jsonl"], "starling: cannot read /nowhere/tweets.jsonl: No such file or directory\n"),
        (["--model", "/nowhere"], "starling: no model bundle at /nowhere: cannot read model.json"),
    ],
    ids=["missing file", "missing model"],
)
async def test_classify_says_in_one_line_what_it_cannot_read(arguments: list[str], says: str) -> None:
    code, out, err = await finished("classify", *arguments)
    assert (code, out, len(err.splitlines())) == (66, "", 1)
    assert err.startswith(says)


async def test_a_reader_that_leaves_early_is_no_error() -> None:
    tweets = b"\n".join(TWEETS * 2000)
    reading, writing = os.pipe()
    async with started("classify", stdout=writing) as process:
        os.close(writing)
        assert process.stdin
        process.stdin.write(tweets)
        process.stdin.close()
        with os.fdopen(reading, "rb") as first:
            assert await asyncio.to_thread(first.readline)
        assert process.stderr
        assert "Traceback" not in without_noise((await process.stderr.read()).decode())


async def test_the_demo_labels_or_rejects_every_sample() -> None:
    code, out, err = await finished("demo", "--rate", "0", "--json")
    summary = json.loads(out)
    assert (code, err) == (0, "")
    assert summary.keys() == {
        *("published", "labelled", "rejected", "lost", "seconds", "tweets_per_second", "latency_ms"),
    }
    assert summary["published"] == len(sample_tweets()) == summary["labelled"] + summary["rejected"]
    assert summary["lost"] == 0
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p90"] <= summary["latency_ms"]["p99"]


async def test_the_demo_sends_the_samples_again_where_more_are_wanted() -> None:
    tweets = len(sample_tweets()) + 100
    code, out, _ = await finished("demo", "--tweets", str(tweets), "--rate", "0", "--json")
    assert (code, json.loads(out)["published"], json.loads(out)["lost"]) == (0, tweets, 0)


async def test_the_demo_shows_plain_lines_where_there_is_no_terminal() -> None:
    code, out, _ = await finished("demo", "--tweets", "5", "--rate", "0")
    assert code == 0
    assert "/metrics while the demo runs" in out
    assert "\x1b" not in out
    assert sum(line.startswith(("positive", "neutral", "negative", "rejected ")) for line in out.splitlines()) == 5


@pytest.mark.broker
async def test_what_is_sent_is_seen_by_watch(broker: Mosquitto, tmp_path: Path) -> None:
    settings = settings_for(broker.port)
    config = write_config(tmp_path, settings, free_port())
    texts = tmp_path / "tweets.txt"
    texts.write_text("what a lovely day\n\nthe bus is late again and I am soaked\n")
    async with serving(settings), started("watch", "--config", config, "--count", "2", "--text") as watching:
        assert watching.stdout
        assert await watching.stdout.readline() == b"node test is online\n"
        code, out, err = await finished("send", str(texts), "--config", config)
        assert (code, out) == (0, "")
        assert err.startswith("sent 2 tweets to tweets/in in ")
        lines = (await watching.stdout.read()).decode().splitlines()
        assert await watching.wait() == 0
    assert sorted(line.split("  ")[-1] for line in lines) == [
        "the bus is late again and I am soaked",
        "what a lovely day",
    ]


@pytest.mark.broker
async def test_send_keeps_to_its_rate_and_sends_json_lines_as_they_are(broker: Mosquitto, tmp_path: Path) -> None:
    settings = settings_for(broker.port)
    file = tmp_path / "tweets.jsonl"
    file.write_bytes(b"\n".join(TWEETS))
    address = f"127.0.0.1:{broker.port}"
    async with probing(settings, "elsewhere") as probe:
        code, _, _ = await finished("send", str(file), "--broker", address, "--topic", "elsewhere", "--rate", "50")
        await probe.until(lambda: len(probe.on("elsewhere")) == len(TWEETS))
    assert code == 0
    assert [bytes(message.payload) for message in probe.on("elsewhere")] == TWEETS
    seconds = probe.arrived_at[-1] - probe.arrived_at[0]
    assert seconds >= (len(TWEETS) - 1) / 50 * 0.9


@pytest.mark.broker
async def test_watch_gives_messages_as_they_came_where_json_is_wanted(broker: Mosquitto, tmp_path: Path) -> None:
    settings = settings_for(broker.port)
    config = write_config(tmp_path, settings, free_port())
    async with started("watch", "--config", config, "--count", "1", "--json") as watching:
        await broker.until_logged("starling/+/status (QoS 1)")
        async with serving(settings), probing(settings) as probe:
            await probe.tweet("1")
            label = await probe.label_of("1")
        assert watching.stdout
        assert orjson.loads(await watching.stdout.read()) == label


@pytest.mark.broker
async def test_check_finds_that_everything_works(broker: Mosquitto, tmp_path: Path) -> None:
    config = write_config(tmp_path, settings_for(broker.port), free_port())
    code, out, err = await finished("check", "--config", config, "--json")
    found = json.loads(out)
    assert (code, err, found["works"]) == (0, "", True)
    assert [part["part"] for part in found["parts"]] == ["settings", "model", "broker", "http", "meter"]


async def test_check_names_each_part_that_does_not_work(tmp_path: Path) -> None:
    port = free_port()
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    config = write_config(tmp_path, settings_for(port), server.sockets[0].getsockname()[1])
    with config.open("a") as file:
        file.write('path = "/nowhere"\n[power]\nport = "/dev/nowhere"\n')
    async with server:
        code, out, _ = await finished("check", "--config", config)
    lines = {line.split()[1]: line for line in out.splitlines()}
    assert code == 1
    assert lines["settings"].startswith("works")
    assert all(lines[part].startswith("BROKEN") for part in ("model", "broker", "http", "meter"))
    assert f"127.0.0.1:{port}" in lines["broker"]


async def test_a_full_disk_is_told_in_one_line() -> None:
    with Path("/dev/full").open("wb") as full_disk:  # noqa: ASYNC230  (opening it waits for nothing)
        process = await asyncio.create_subprocess_exec(
            *STARLING, "classify", stdin=asyncio.subprocess.PIPE, stdout=full_disk, stderr=asyncio.subprocess.PIPE
        )
        _, err = await process.communicate(b"\n".join(TWEETS))
    assert process.returncode == 74
    assert without_noise(err.decode()) == "starling: no room is left on the disk that the output goes to\n"
