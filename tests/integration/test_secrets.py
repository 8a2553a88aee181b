"""Secrets and texts do not appear in outputs, logs or metrics."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.main import get_command

from stream.cli import app
from stream.credentials import read_password
from stream.free_port import free_port
from stream.settings import Settings, load_settings
from tests.integration.mosquitto import PROGRAM, Mosquitto, password_options
from tests.integration.probe import Probe, probing
from tests.integration.program import finished, started, until_ready

pytestmark = [pytest.mark.broker, pytest.mark.skipif(PROGRAM is None, reason="Mosquitto is not installed")]
USER = "pi"
BROKER_PASSWORD = "xyzzy-broker"  # noqa: S105
HTTP_PASSWORD = "xyzzy-http"  # noqa: S105
TEXT = "plugh"
"""Part of every tweet that is sent; it must not appear in any output."""
TWEETS = [
    b'{"id":"1","text":"plugh"}',
    b'{"id":"2","text":"https://plugh.example @plugh #plugh","lang":"en"}',
    b'{"id":"3","text":["plugh"]}',
    b'{"id":"4","plugh":"plugh"}',
    b'{"text":"plugh"}',
    b'{"id":{"plugh":1},"text":"plugh"}',
    b'{"id":"7","text":"plugh',
    b'{"id":"8","text":"plugh\xff"}',
    b'["plugh"]',
    b'{"id":"10","text":"' + b"plugh " * 5000 + b'"}',
    b'{"id":"11","text":"' + b"plugh " * 50_000 + b'"}',
]


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """Settings file of a node with every kind of secret and a debug log, while its broker runs."""
    with Mosquitto(tmp_path, password_options(tmp_path, {USER: BROKER_PASSWORD})) as broker:
        (tmp_path / "broker.password").write_text(f"{BROKER_PASSWORD}\n")
        (tmp_path / "http.password").write_text(f"{HTTP_PASSWORD}\n")
        path = tmp_path / "starling.toml"
        path.write_text(
            'node = "test"\nlog_level = "debug"\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {broker.port}\n'
            f'username = "{USER}"\npassword_file = "{tmp_path}/broker.password"\n'
            f'[http]\nport = {free_port()}\nusername = "{USER}"\npassword_file = "{tmp_path}/http.password"\n'
        )
        yield path


async def send_tweets(probe: Probe) -> None:
    for tweet in TWEETS:
        await probe.send(tweet, response_topic="elsewhere")
    await probe.until(lambda: len(probe.labels) + len(probe.rejections) == len(TWEETS))
    assert len(probe.labels) == 2


async def metrics_of(settings: Settings) -> str:
    http = settings.http
    url = f"http://{http.host}:{http.port}/metrics"
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers={"Authorization": aiohttp.encode_basic_auth(USER, HTTP_PASSWORD)}) as answer,
    ):
        assert answer.status == 200
        return await answer.text()


async def test_a_running_node_does_not_reveal_its_secrets_or_the_texts(config: Path) -> None:
    settings = load_settings(config)
    async with started("run", "--config", config, anew=True) as process:
        await until_ready(settings.http.port)
        async with probing(settings) as probe:
            await send_tweets(probe)
        processes = Path("/proc", str(process.pid))
        shown = {
            "metrics": await metrics_of(settings),
            "command line": (processes / "cmdline").read_text(),
            "environment": (processes / "environ").read_text(),
            "settings": repr(settings) + str(settings.model_dump()),
            "results": "".join(str(message.payload) for message in probe.messages),
        }
        process.send_signal(signal.SIGTERM)
        out, err = await process.communicate()
    shown |= {"stdout": out.decode(), "log": err.decode()}
    assert "connected to" in shown["log"]
    found = [(place, secret) for place, said in shown.items() for secret in ("xyzzy", TEXT) if secret in said]
    assert not found


async def test_check_shows_no_secret(config: Path) -> None:
    _, out, err = await finished("check", "--config", config)
    assert "works   broker" in out
    assert "xyzzy" not in out + err


def test_a_password_object_does_not_show_its_value(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("xyzzy\r\n")
    password = read_password("broker.password_file", file)
    assert "xyzzy" not in f"{password!r} {password}"
    assert password.get_secret_value() == "xyzzy"


def options_of(command: Any) -> Iterator[str]:
    for parameter in command.params:
        yield from parameter.opts
    for inner in getattr(command, "commands", {}).values():
        yield from options_of(inner)


def test_no_command_has_an_option_for_a_secret() -> None:
    options = {option for option in options_of(get_command(app)) if not option.endswith("-file")}
    assert "--config" in options
    assert not [option for option in options if any(word in option for word in ("pass", "secret", "token", "key"))]


def test_settings_name_the_files_of_secrets_and_contain_no_secret() -> None:
    sections: list[Any] = [field.annotation for field in Settings.model_fields.values()]
    keys = {key for section in sections for key in getattr(section, "model_fields", {})}
    assert {key for key in keys if any(word in key for word in ("pass", "secret", "token", "key_"))} == {
        "password_file",
        "key_file",
        "token_file",
    }
