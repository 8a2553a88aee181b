"""`starling bench …` as users run it, with a tiny model and for a moment only; counts are checked, not times."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stream.bench.broker import bench_broker
from stream.bench.result import SCHEMA_VERSION
from stream.cli import app
from stream.errors import BrokerError, StarlingError
from tests.integration.mosquitto import PROGRAM, Mosquitto
from tests.integration.program import finished
from tests.unit.tiny_bundle import OPPOSITE_WEIGHTS, write_bundle

needs_mosquitto = pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed: apt-get install mosquitto")

PEER = """
import json, sys
print(json.dumps({"ready": True, "library": "none"}), flush=True)
for line in sys.stdin:
    print(json.dumps({"labels": ["negative"] * len(json.loads(line)["texts"])}), flush=True)
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "tiny")


@pytest.fixture
def config(tmp_path: Path, bundle: Path) -> Path:
    file = tmp_path / "starling.toml"
    file.write_text(f'[model]\npath = "{bundle}"\ninterpreters = 1\n[power]\nsource = "none"\n')
    return file


async def measured(*arguments: str | Path) -> dict[str, Any]:
    code, out, err = await finished("bench", *arguments, "--json")
    assert code == 0, err
    result: dict[str, Any] = json.loads(out)
    assert result["schema"] == SCHEMA_VERSION
    assert result["kind"] == arguments[0]
    assert result["machine"]["versions"]["starling"]
    assert result["machine"]["cores"] >= 1
    assert result["conditions"]["before"]["at"] < result["conditions"]["after"]["at"]
    assert all(len(model["sha256"]) == 64 for model in result["models"])
    return result


async def test_a_cascade_is_measured_beside_its_second_bundle(tmp_path: Path) -> None:
    second = write_bundle(tmp_path / "second", {"name": "large"}, weights=OPPOSITE_WEIGHTS)
    first = write_bundle(tmp_path / "first", {"name": "small"})
    options = ("--quick", "--seconds", "0.1", "--threads", "1", "--interpreters", "1", "--batches", "1,8")
    for threshold, passed_on in (("0", 0), ("1", 1)):
        cascade = ("--cascade", first, "--cascade-threshold", threshold)
        rows = (await measured("classifier", second, *options, *cascade))["rows"]
        found = [(row["model"], row["batch"], row.get("passed_on")) for row in rows]
        both = "small before large"
        assert found == [("large", 1, None), ("large", 8, None), (both, 1, passed_on), (both, 8, passed_on)]


def refused(*arguments: str | Path) -> tuple[int, str]:
    """Run a command in this process; returns the exit code and the message of its error."""
    result = CliRunner().invoke(app, ["bench", *map(str, arguments)])
    assert isinstance(result.exception, StarlingError)
    assert result.output == ""
    assert "\n" not in str(result.exception)
    return result.exception.exit_code, str(result.exception)


async def test_a_model_is_measured_with_every_combination(bundle: Path) -> None:
    ways = ("--threads", "1", "--interpreters", "2", "--batches", "1,4", "--lengths", "0,8,99")
    result = await measured("classifier", bundle, "--quick", "--seconds", "0.1", *ways)
    found = {(row["interpreters"], row["batch"], row["tokens"]) for row in result["rows"]}
    assert found == {(2, batch, tokens) for batch in (1, 4) for tokens in (None, 8)}
    assert all(row["tweets"] == row["queries"] * row["batch"] for row in result["rows"])
    assert all(row["latency_ms"]["p50"] <= row["latency_ms"]["p99"] for row in result["rows"])
    assert "99 tokens are left out: tiny accepts at most 12" in result["warnings"]
    assert any("quick run" in warning for warning in result["warnings"])


async def test_the_default_output_is_a_table(bundle: Path) -> None:
    one_way = ("--threads", "1", "--interpreters", "1", "--batches", "1")
    code, out, _ = await finished("bench", "classifier", bundle, "--quick", "--seconds", "0.1", *one_way, anew=True)
    assert code == 0
    assert "CPU ms/tweet" in out
    assert "warning: quick run" in out


@pytest.mark.broker
@needs_mosquitto
async def test_every_tweet_sent_through_the_service_is_counted(config: Path) -> None:
    result = await measured("service", "--config", config, "--quick", "--seconds", "0.3", "--overload", "2")
    rows = {row["phase"]: row for row in result["rows"] if "lost" in row}
    assert [(row["lost"], row["duplicates"], row["rejected"]) for row in rows.values()] == [(0, 0, 0)] * 7
    assert set(rows) == {
        "one at a time",
        "two per second",
        "saturated",
        "a tenth of saturation",
        "half of saturation",
        "2 times saturation",
        "half of saturation, after the overload",
    }
    assert set(rows["saturated"]["beside_cpu_ms_per_tweet"]) == {"broker", "publisher", "subscriber"}
    assert rows["half of saturation"]["latency_ms"]["p99"] > 0
    assert rows["two per second"]["rate"] == 2
    assert rows["a tenth of saturation"]["rate"] == pytest.approx(rows["half of saturation"]["rate"] / 5, abs=0.01)
    findings = result["findings"]
    assert {"ready_seconds", "idle_cpu_ratio", "service_over_bare_cpu_ms_per_tweet"} <= set(findings)
    assert findings["median_inference_ms_after_a_pause_at_two_per_second"] > 0
    assert findings["lone_median_over_median_inference_at_two_per_second"] > 0
    assert findings["p99_at_a_tenth_over_median_inference"] > 0
    alone, shared = (findings[f"service_over_bare_tweets_per_second{of}"] for of in ("_of_its_cores", ""))
    assert alone > shared


@pytest.mark.broker
@needs_mosquitto
async def test_a_running_broker_and_a_rate_can_be_given(config: Path, tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        await _measured_at_40_a_second(config, broker)


async def _measured_at_40_a_second(config: Path, broker: Mosquitto) -> None:
    at = ("--broker", f"127.0.0.1:{broker.port}", "--rate", "40", "--arrivals", "even")
    result = await measured("service", "--config", config, "--quick", "--seconds", "0.5", *at)
    (row,) = [row for row in result["rows"] if row["phase"] == "at the given rate"]
    assert (row["tweets"], row["lost"], row["rate"]) == (20, 0, 40)
    assert "broker" not in row["beside_cpu_ms_per_tweet"]


@pytest.mark.broker
@needs_mosquitto
async def test_growth_is_measured_over_lengths_queues_and_cores(config: Path) -> None:
    sizes = ("--lengths", "4,12", "--backlogs", "50", "--cores", "1", "--core-tweets", "60", "--seconds", "0.1")
    result = await measured("growth", "--config", config, *sizes)
    assert [(row["grows"], row["to"]) for row in result["rows"]] == [
        ("tokens a tweet", 4),
        ("tokens a tweet", 12),
        ("tweets waiting", 50),
        ("cores", 1),
    ]
    assert [row["tweets"] for row in result["rows"][2:]] == [50, 60]


@pytest.mark.broker
@needs_mosquitto
async def test_peers_are_measured_in_turns_with_the_service(config: Path, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "peer.py").write_text(PEER)
    peers = tmp_path / "peers.toml"
    peers.write_text(
        f"""
        peer = [
            {{name = "always-negative", words = "", kind = "classifier", same_weights = true,
              command = ["{sys.executable}", "{tmp_path / "peer.py"}"]}},
            {{name = "again", words = "", kind = "bundle", path = "{bundle}"}},
        ]
    """.replace("\n", " ")
    )
    result = await measured("compare", peers, "--config", config, "--seconds", "0.1", "--rounds", "2")
    assert [row["name"] for row in result["rows"]] == [
        "starling-service",
        "starling-classifier",
        "always-negative",
        "again",
    ]
    assert all(len(row["tweets_per_second_of_rounds"]) == 2 for row in result["rows"])
    assert result["rows"][0]["service_times_tweets_per_second"] == 1
    assert result["findings"]["labels_of_always-negative_equal_to_ours"] < 0.5  # most labels of the model are neutral


def test_a_missing_precision_is_refused(bundle: Path) -> None:
    code, said = refused("classifier", bundle, "--quick", "--precision", "float16")
    assert code == 66
    assert "no given bundle has the precision float16" in said


@pytest.mark.parametrize("command", ["classifier", "service"])
def test_a_too_short_measurement_is_refused(command: str) -> None:
    code, said = refused(command, "--seconds", "5")
    assert code == 69
    assert "5 s are too short" in said


def test_a_missing_mosquitto_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with (
        pytest.raises(BrokerError, match=r"install it .* or name a running broker with --broker"),
        bench_broker(None, tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("classifier", "--quick", "--threads", "two"), "--threads two: give whole numbers"),
        (("classifier", "--quick", "--batches", "0"), "--batches 0: the smallest allowed value is 1"),
        (("growth", "--cores", "4096"), "--cores 4096: this process may use"),
        (("compare", "nowhere.toml"), "cannot read nowhere.toml"),
        (("classifier", "--quick", "--tweets", "nowhere.jsonl"), "cannot read nowhere.jsonl"),
    ],
)
def test_an_invalid_option_is_reported_in_one_line(options: tuple[str, ...], expected: str) -> None:
    code, said = refused(*options)
    assert code in {66, 69}
    assert expected in said
