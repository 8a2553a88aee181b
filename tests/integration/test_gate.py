"""`starling gate`: the judgement of an update of a running node."""

import asyncio
from pathlib import Path

import orjson
import pytest

from stream.free_port import free_port
from stream.settings import Settings
from tests.integration.certificates import Certificates
from tests.integration.mosquitto import Mosquitto
from tests.integration.probe import Probe, probing, serving, settings_for, write_config
from tests.integration.program import finished

pytestmark = pytest.mark.broker
BRIEF = ("--tweets", "20", "--seconds", "0.5")


@pytest.fixture
def settings(broker: Mosquitto, tmp_path: Path) -> Settings:
    """A node whose metrics need TLS and a password."""
    certificates, password = Certificates(tmp_path), tmp_path / "password"
    password.write_text("with an ü\n")
    password.chmod(0o600)
    http = {
        "port": free_port(),
        "username": "prometheus",
        "password_file": password,
        "certificate_file": certificates.broker_certificate,
        "key_file": certificates.broker_key,
    }
    return settings_for(broker.port, http=http)


@pytest.fixture
def config(settings: Settings, tmp_path: Path) -> Path:
    file = write_config(tmp_path, settings, http_port=0)
    http = settings.http
    text = file.read_text().replace("port = 0", f"port = {http.port}")
    lines = [f"{name} = {orjson.dumps(str(value)).decode()}" for name, value in _files(settings).items()]
    file.write_text(text.replace("[http]", "\n".join(["[http]", *lines])))
    return file


def _files(settings: Settings) -> dict[str, object]:
    names = ("username", "password_file", "certificate_file", "key_file")
    return {name: getattr(settings.http, name) for name in names}


async def _sent(probe: Probe, name: str) -> None:
    ids = [f"{name}-{number}" for number in range(30)]
    await probe.tweets(ids)
    await probe.until(lambda: set(ids) <= set(probe.labelled_ids()))


async def _judged(probe: Probe, *arguments: str | Path) -> tuple[int, str, str]:
    judging = asyncio.create_task(finished("gate", "after", *arguments, *BRIEF, "--json"))
    number = 0
    while not judging.done():
        number += 1
        await _sent(probe, f"after-{number}")
    return await judging


async def test_a_node_that_labels_as_before_passes_and_one_that_does_not_is_stopped(
    settings: Settings, config: Path, tmp_path: Path
) -> None:
    before, own = tmp_path / "before.json", f"https://127.0.0.1:{settings.http.port}"
    arguments = (before, "--config", config)
    async with serving(settings), probing(settings) as probe:
        await _sent(probe, "before")
        recorded = await finished("gate", "before", *arguments, *BRIEF)
        assert (recorded[0], "before: 30 tweets" in recorded[1], recorded[2]) == (0, True, "")

        code, out, err = await _judged(probe, *arguments)
        assert (code, orjson.loads(out)["complaints"], err) == (0, [], "")

        counts = orjson.loads(before.read_bytes())
        counts["own"]["counts"]["labels"] = {"negative": 1000.0, "neutral": 0.0, "positive": 0.0}
        before.write_bytes(orjson.dumps(counts))
        code, out, err = await _judged(probe, *arguments)
        complaints = orjson.loads(out)["complaints"]
        assert (code, err) == (1, "")
        assert any("of the labels are negative, in comparison 100.0%" in each for each in complaints)

        peers = ("--peer", own, "--peer-ca", tmp_path / "ca.pem", "--peer", f"http://127.0.0.1:{free_port()}")
        recorded = await finished("gate", "before", *arguments, *BRIEF, *peers)
        assert "1 of 2 peers answer" in recorded[1]


async def test_a_node_that_does_not_answer_is_stopped(config: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.json"
    recorded = await finished("gate", "before", before, "--config", config, *BRIEF, anew=True)
    judged = await finished("gate", "after", before, "--config", config, *BRIEF, "--most-seconds", "0.5")

    assert recorded[1] == "before: does not answer; 0 of 0 peers answer\n"
    assert (judged[0], judged[1].startswith("worse: the service is not ready")) == (1, True)


@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "run `starling gate before`"), ("{]", "was not written by `starling gate before`")]
)
async def test_a_missing_or_foreign_file_is_refused(
    config: Path, tmp_path: Path, content: str | None, sentence: str
) -> None:
    file = tmp_path / "before.json"
    if content is not None:
        file.write_text(content)

    code, out, err = await finished("gate", "after", file, "--config", config)

    assert (code, out) == (66, "")
    assert sentence in err
