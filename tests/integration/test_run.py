"""`starling run` as a program: started, stopped, killed, and started wrongly."""

import json
import signal
from pathlib import Path

import pytest

from stream.free_port import free_port
from stream.session.topics import OFFLINE, ONLINE
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import probing, settings_for, write_config
from tests.integration.program import finished, started, until_ready

pytestmark = pytest.mark.broker


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_stopped_node_finishes_the_tweets_in_flight_and_loses_none(
    broker: Mosquitto, tmp_path: Path, protocol: str
) -> None:
    settings = settings_for(broker.port, broker={"protocol": protocol})
    http_port = free_port()
    config = write_config(tmp_path, settings, http_port)
    ids = {f"t{number}" for number in range(600)}
    async with probing(settings, identifier="probe") as probe:
        async with started("run", "--config", config) as process:
            await until_ready(http_port)
            await probe.tweets(ids)
            await probe.until(lambda: len(probe.labels) >= 20)
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        await probe.until(lambda: probe.status[-1] == OFFLINE)
        drained = probe.labelled_ids()
        assert 20 <= len(drained) < len(ids)
        async with started("run", "--config", config):
            await probe.until(lambda: set(probe.labelled_ids()) == ids)
    assert len(probe.labels) == len(ids)  # every tweet was acknowledged in time, so no result is repeated


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_node_killed_under_load_loses_no_tweet_and_repeats_at_most_those_in_flight(
    broker: Mosquitto, tmp_path: Path, protocol: str
) -> None:
    settings = settings_for(broker.port, broker={"protocol": protocol})
    http_port = free_port()
    config = write_config(tmp_path, settings, http_port)
    ids = {f"t{number}" for number in range(600)}
    async with probing(settings, identifier="probe") as probe:
        async with started("run", "--config", config) as process:
            await until_ready(http_port)
            await probe.tweets(ids)
            await probe.until(lambda: len(probe.labels) >= 20)
            process.kill()
            await process.wait()
        await probe.until(lambda: probe.status[-1] == OFFLINE)  # the will
        assert len(set(probe.labelled_ids())) < len(ids)
        async with started("run", "--config", config):
            await probe.until(lambda: probe.status[-1] == ONLINE)
            await probe.until(lambda: set(probe.labelled_ids()) == ids)
    assert len(probe.labels) - len(ids) <= settings.broker.receive_maximum


async def test_an_unreachable_broker_ends_the_start_with_one_line(tmp_path: Path) -> None:
    port = free_port()
    code, out, err = await finished("run", "--config", write_config(tmp_path, settings_for(port), free_port()))
    assert (code, out) == (69, "")
    assert f"127.0.0.1:{port}" in err.splitlines()[-1]
    assert "Traceback" not in err


async def test_a_node_with_wait_at_start_connects_when_the_broker_starts(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    settings = settings_for(broker.port, broker={"wait_at_start": True})
    config = write_config(tmp_path, settings, free_port())
    async with started("run", "--config", config, anew=True) as process:
        assert process.stderr
        while b"next attempt" not in await process.stderr.readline():
            pass
        with broker:
            async with probing(settings) as probe:
                await probe.until(lambda: ONLINE in probe.status)


async def test_a_refused_connection_ends_the_start_with_one_line(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, "allow_anonymous false") as broker:
        config = write_config(tmp_path, settings_for(broker.port), free_port())
        code, _, err = await finished("run", "--config", config)
    assert code == 69
    assert "Not authorized" in err
    assert "broker.username" in err.splitlines()[-1]
    assert "Traceback" not in err


async def test_a_busy_port_ends_the_start_with_one_line(broker: Mosquitto, tmp_path: Path) -> None:
    config = write_config(tmp_path, settings_for(broker.port), http_port=broker.port)
    code, out, err = await finished("run", "--config", config)
    assert (code, out) == (71, "")
    assert err.startswith(f"starling: cannot serve /metrics on 127.0.0.1:{broker.port}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("extra", "exit_code", "says"),
    [
        ('path = "/dev/null/nowhere"', 66, "no model bundle at /dev/null/nowhere"),  # nothing can be copied to there
        ("[brokr]\nx = 1", 78, "unknown setting 'brokr' (did you mean 'broker'?)"),
        ("[limits]\npayload_bytes = 0", 78, "limits.payload_bytes"),
        ("[broken", 78, "is not TOML"),
    ],
    ids=["missing model", "unknown section", "wrong value", "no TOML"],
)
async def test_a_wrong_setting_ends_the_start_with_one_line(
    broker: Mosquitto, tmp_path: Path, extra: str, exit_code: int, says: str
) -> None:
    config = write_config(tmp_path, settings_for(broker.port), free_port())
    with config.open("a") as file:
        file.write(extra)
    code, out, err = await finished("run", "--config", config)
    assert (code, out) == (exit_code, "")
    assert says in err.splitlines()[-1]
    assert "Traceback" not in err


async def test_the_log_is_json_if_the_settings_request_it(tmp_path: Path) -> None:
    settings = settings_for(free_port(), log={"format": "json"}, log_level="debug")
    code, out, err = await finished("run", "--config", write_config(tmp_path, settings, free_port()))
    assert (code, out) == (69, "")
    *events, last = err.splitlines()
    assert last.startswith("starling: broker 127.0.0.1:")
    assert {"time", "level", "logger", "message"} <= json.loads(events[0]).keys()
    assert all(isinstance(json.loads(event), dict) for event in events)
