"""The commands demo, classify, send, watch and check, as programs."""

import asyncio
import functools
import json
import os
import re
import signal
from pathlib import Path

import orjson
import pytest

from stream.commands.demo.demo import sample_tweets
from stream.commands.demo.entities import ENTITY_NAMES
from stream.free_port import free_port
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import Probe, probing, serving, settings_for, write_config
from tests.integration.program import STARLING, finished, started, without_noise

TWEETS = [
    b'{"id":"1","text":"I love this phone, the battery lasts for days!"}',
    b"not JSON",
    b"",
    b'{"id":"4","text":"worst airline ever, they lost my bag again"}',
    b'{"id":"5"}',
    b'{"id":"6","text":"the meeting is at ten","lang":"en"}',
]


async def test_classify_answers_every_line_in_its_place_and_ends_with_a_summary() -> None:
    code, out, err = await finished("classify", stdin=b"\n".join(TWEETS) + b"\n", anew=True)
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, err) == (0, "3 labelled, 3 rejected: 1 not_json, 1 empty, 1 no_text\n")
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
async def test_classify_reports_unreadable_input_in_one_line(arguments: list[str], says: str) -> None:
    code, out, err = await finished("classify", *arguments)
    assert (code, out, len(err.splitlines())) == (66, "", 1)
    assert err.startswith(says)


async def test_a_reader_that_ends_early_is_not_an_error() -> None:
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
    code, out, err = await finished("demo", "--rate", "0", "--json", anew=True)
    summary = json.loads(out)
    assert (code, err) == (0, "")
    assert summary.keys() == {
        *("published", "labelled", "labels", "entities", "rejected", "lost", "seconds", "tweets_per_second"),
        "latency_ms",
    }
    assert summary["published"] == len(sample_tweets()) == summary["labelled"] + summary["rejected"]
    assert summary["lost"] == 0
    assert summary["entities"].keys() >= set(ENTITY_NAMES)
    assert sum(summary["labels"].values()) == summary["labelled"] + 10  # two labels each
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p90"] <= summary["latency_ms"]["p99"]


async def test_the_demo_repeats_the_samples_if_more_tweets_are_requested() -> None:
    tweets = len(sample_tweets()) + 100
    code, out, _ = await finished("demo", "--tweets", str(tweets), "--rate", "0", "--json")
    assert (code, json.loads(out)["published"], json.loads(out)["lost"]) == (0, tweets, 0)


async def test_the_demo_shows_plain_lines_without_a_terminal() -> None:
    code, out, _ = await finished("demo", "--tweets", "5", "--rate", "0")
    assert code == 0
    assert "/metrics while the demo runs" in out
    assert "\x1b" not in out
    assert sum(line.startswith(("positive", "neutral", "negative", "rejected ")) for line in out.splitlines()) == 5


@pytest.mark.broker
async def test_watch_shows_the_results_of_sent_tweets(broker: Mosquitto, tmp_path: Path) -> None:
    settings = settings_for(broker.port)
    config = write_config(tmp_path, settings, free_port())
    texts = tmp_path / "tweets.txt"
    texts.write_text("what a lovely day\n\nthe bus is late again and I am soaked\n")
    options = ("--config", config, "--text")
    async with serving(settings), started("watch", *options, "--count", "2", anew=True) as watching:
        assert watching.stdout
        assert await watching.stdout.readline() == b"node test is online\n"
        code, out, err = await finished("send", str(texts), *options, anew=True)
        assert (code, out) == (0, "")
        assert re.fullmatch(r"sent 2 tweets to tweets/in in [0-9.]+ s \([0-9.]+ a second\), all confirmed\n", err)
        lines = (await watching.stdout.read()).decode().splitlines()
        assert await watching.wait() == 0
    assert sorted(line.split("  ")[-1] for line in lines) == [
        "the bus is late again and I am soaked",
        "what a lovely day",
    ]


@pytest.mark.broker
async def test_send_respects_its_rate_and_sends_json_lines_unchanged(broker: Mosquitto, tmp_path: Path) -> None:
    settings = settings_for(broker.port)
    file = tmp_path / "tweets.jsonl"
    file.write_bytes(b"\n".join(TWEETS))
    address = f"127.0.0.1:{broker.port}"
    lines = [line for line in TWEETS if line]
    async with probing(settings, "elsewhere") as probe:
        code, _, err = await finished("send", str(file), "--broker", address, "--topic", "elsewhere", "--rate", "50")
        await probe.until(lambda: len(probe.on("elsewhere")) == len(lines))
    assert code == 0
    assert err.endswith("all confirmed; 2 that a node will reject: 1 not_json, 1 no_text\n")
    assert [bytes(message.payload) for message in probe.on("elsewhere")] == lines
    seconds = probe.arrived_at[-1] - probe.arrived_at[0]
    assert seconds >= (len(lines) - 1) / 50 * 0.9


@pytest.mark.broker
async def test_watch_prints_messages_unchanged_as_json(broker: Mosquitto, tmp_path: Path) -> None:
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
    code, out, err = await finished("check", "--config", config, "--json", anew=True)
    found = json.loads(out)
    assert (code, err, found["works"]) == (0, "", True)
    assert [part["part"] for part in found["parts"]] == ["settings", "model", "languages", "broker", "http", "meter"]


@pytest.mark.broker
async def test_check_recognises_the_running_node_and_names_another_one(broker: Mosquitto, tmp_path: Path) -> None:
    config = write_config(tmp_path, settings_for(broker.port), free_port())
    addresses: list[str] = []
    async with serving(settings_for(broker.port), addresses.append):
        port = int(addresses[0].rpartition(":")[2])
        config = write_config(tmp_path, settings_for(broker.port), port)
        code, out, _ = await finished("check", "--config", config)
        (http,) = (line for line in out.splitlines() if "  http " in line)
        assert code == 0
        assert re.search(
            rf"works   http .* 127\.0\.0\.1:{port} is served by this node, which has run for 0:00:\d\d", http
        )
        other = settings_for(broker.port).model_copy(update={"node": "other"})
        code, out, _ = await finished("check", "--config", write_config(tmp_path, other, port))
    (http,) = (line for line in out.splitlines() if "  http " in line)
    assert code == 1
    assert "is served by the node 'test': give each node on a machine its own http.port" in http


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


async def test_a_full_disk_is_reported_in_one_line() -> None:
    with Path("/dev/full").open("wb") as full_disk:  # noqa: ASYNC230  (opening it waits for nothing)
        process = await asyncio.create_subprocess_exec(
            *STARLING, "classify", stdin=asyncio.subprocess.PIPE, stdout=full_disk, stderr=asyncio.subprocess.PIPE
        )
        _, err = await process.communicate(b"\n".join(TWEETS))
    assert process.returncode == 74
    assert without_noise(err.decode()) == "starling: no room is left on the disk that the output goes to\n"


async def test_classify_labels_what_has_arrived_before_the_input_ends() -> None:
    async with started("classify") as process:
        assert process.stdin
        assert process.stdout
        for number in range(3):
            process.stdin.write(orjson.dumps({"id": str(number), "text": "lovely morning"}) + b"\n")
            assert json.loads(await process.stdout.readline())["id"] == str(number)
        process.stdin.close()
        assert await process.wait() == 0


async def test_classify_labels_all_that_was_read_before_an_interruption() -> None:
    async with started("classify") as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"".join(orjson.dumps({"id": str(i), "text": "lovely"}) + b"\n" for i in range(20)))
        answers = [json.loads(await process.stdout.readline())["id"] for _ in range(20)]
        process.stdin.write(b'{"id":"half of a line')
        await process.stdin.drain()
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
        assert await process.stdout.read() == b""
        assert (await process.stderr.read()).decode() == "20 labelled, 0 rejected\n"
    assert answers == [str(number) for number in range(20)]


@pytest.mark.parametrize(
    ("stdin", "code", "says"),
    [
        (b'{"id":"1"}\n', 65, ["0 labelled, 1 rejected: 1 no_text", "starling: no tweet of stdin could be labelled"]),
        (b"", 65, ["0 labelled, 0 rejected", "starling: no tweet of stdin could be labelled"]),
        (b"what a day\n", 66, ["starling: stdin has no format that is known here: expected JSON lines, "]),
    ],
    ids=["no tweet", "nothing", "unknown"],
)
async def test_classify_fails_if_no_tweet_could_be_labelled(stdin: bytes, code: int, says: list[str]) -> None:
    exit_code, out, err = await finished("classify", stdin=stdin)
    assert exit_code == code
    assert len(err.splitlines()) == len(says)
    assert all(line.startswith(start) for line, start in zip(err.splitlines(), says, strict=True))
    assert len(out.splitlines()) == stdin.count(b'{"id"')


async def test_classify_labels_what_it_read_before_an_error(tmp_path: Path) -> None:
    file = tmp_path / "tweets.json"
    file.write_bytes(b'[{"id":"1","text":"lovely"}, {"id":"2","text":"aw')
    code, out, err = await finished("classify", str(file))
    assert code == 66
    assert json.loads(out.splitlines()[0])["id"] == "1"
    assert err.splitlines()[-1] == f"starling: {file} ends within a JSON value: it was cut short"


async def test_classify_reads_a_table_with_named_columns(tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    file.write_text("nr;body\n7;lovely morning\n")
    code, out, _ = await finished("classify", str(file), "--text-column", "body", "--id-column", "nr")
    assert code == 0
    assert json.loads(out)["id"] == "7"


def came_last(probe: Probe, payload: bytes) -> bool:
    return bool(probe.messages) and probe.messages[-1].payload == payload


@pytest.mark.broker
async def test_send_publishes_each_line_of_a_live_input_when_it_arrives(broker: Mosquitto) -> None:
    settings = settings_for(broker.port)
    address = f"127.0.0.1:{broker.port}"
    async with (
        probing(settings, "elsewhere") as probe,
        started("send", "-", "--broker", address, "--topic", "elsewhere") as process,
    ):
        assert process.stdin
        assert process.stderr
        for number in range(3):
            line = orjson.dumps({"id": str(number), "text": "lovely"})
            process.stdin.write(line + b"\n")
            await probe.until(functools.partial(came_last, probe, line))
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
        assert (await process.stderr.read()).decode().startswith("sent 3 tweets to elsewhere in ")


@pytest.mark.broker
async def test_send_reconnects_after_a_broker_restart_and_loses_no_tweet(broker: Mosquitto, tmp_path: Path) -> None:
    config = write_config(tmp_path, settings_for(broker.port), free_port())
    settings = settings_for(broker.port)
    async with started("send", "-", "--config", config) as process:
        assert process.stdin
        assert process.stderr
        async with probing(settings, "tweets/in") as probe:
            process.stdin.write(b'{"id":"1","text":"lovely"}\n')
            await probe.until(lambda: len(probe.on("tweets/in")) == 1)
        broker.stop(signal.SIGKILL)
        assert b"reconnecting for up to 60 s" in await process.stderr.readline()
        process.stdin.write(b'{"id":"2","text":"lovely"}\n')
        broker.start()
        async with probing(settings, "tweets/in") as probe:
            process.stdin.write(b'{"id":"3","text":"lovely"}\n')
            process.stdin.close()
            await probe.until(lambda: b'{"id":"3","text":"lovely"}' in [message.payload for message in probe.messages])
            assert await process.wait() == 0
        assert re.match(rb"sent 3 tweets .*, all confirmed\n", await process.stderr.read())


@pytest.mark.broker
async def test_send_stops_after_the_time_limit_and_reports_the_confirmed_number(broker: Mosquitto) -> None:
    address = f"127.0.0.1:{broker.port}"
    async with started("send", "-", "--broker", address, "--topic", "elsewhere", "--wait", "0") as process:
        assert process.stdin
        assert process.stderr
        async with probing(settings_for(broker.port), "elsewhere") as probe:
            process.stdin.write(b'{"id":"1","text":"lovely"}\n')
            await probe.until(lambda: len(probe.on("elsewhere")) == 1)
        broker.stop(signal.SIGKILL)
        lines = (await process.stderr.read()).decode().splitlines()
        assert await process.wait() == 69
    assert len(lines) == 2
    assert lines[0].startswith("sent 1 tweets to elsewhere in ")
    assert lines[1].startswith(f"starling: broker 127.0.0.1:{broker.port}: ")


async def test_send_does_not_wait_for_a_broker_that_was_never_reachable(tmp_path: Path) -> None:
    file = tmp_path / "tweets.jsonl"
    file.write_bytes(b'{"id":"1","text":"lovely"}\n')
    code, _, err = await finished("send", str(file), "--broker", f"127.0.0.1:{free_port()}")
    assert code == 69
    assert "reconnecting" not in err


@pytest.mark.broker
async def test_watch_reconnects_when_the_broker_restarts(broker: Mosquitto, tmp_path: Path) -> None:
    settings = settings_for(broker.port)
    config = write_config(tmp_path, settings, free_port())
    async with started("watch", "--config", config, "--count", "1", "--json") as watching:
        assert watching.stdout
        assert watching.stderr
        await broker.until_logged("starling/+/energy (QoS 1)")
        broker.stop(signal.SIGKILL)
        assert b"reconnecting for up to 60 s" in await watching.stderr.readline()
        broker.start()
        assert b"connected again" in await watching.stderr.readline()
        async with probing(settings) as probe:
            await probe.client.publish_confirmed("tweets/polarity", b'{"id":"1"}')
        assert orjson.loads(await watching.stdout.readline()) == {"id": "1"}
        assert await watching.wait() == 0
