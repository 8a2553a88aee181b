"""Rendered templates of the feeder's role, checked by the programs that read them."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream.errors import SettingsError
from stream.settings import Settings, load_settings
from tests.deploy.roles import needs_ansible, rendered_of

pytestmark = needs_ansible


def rendered(template: str, folder: Path, **variables: Any) -> Path:
    return rendered_of("starling_feed", template, folder, **variables)


def settings(folder: Path, **variables: Any) -> Settings:
    return load_settings(rendered("feed.toml.j2", folder, **variables))


def test_the_defaults_make_valid_settings(tmp_path: Path) -> None:
    made = settings(tmp_path)
    assert (made.broker.wait_at_start, made.feed.http_port, made.broker.username) == (True, 9109, None)
    assert made.mastodon.token_file is None


@pytest.mark.parametrize("source", ["mastodon", "x"])
def test_settings_name_the_token_where_the_role_puts_it(tmp_path: Path, source: str) -> None:
    made = settings(tmp_path, starling_feed_source=source, starling_feed_token="secret")  # noqa: S106  (of no service)
    tokens = {"mastodon": made.mastodon.token_file, "x": made.x.token_file}
    assert tokens.pop(source) == Path("/etc/starling-feed/secrets/token")
    assert set(tokens.values()) == {None}


def test_further_settings_override_those_of_the_variables(tmp_path: Path) -> None:
    further = {"feed": {"languages": ["en"], "http_port": 1}, "bluesky": {"version": "1"}}
    made = settings(tmp_path, starling_feed_settings=further)
    assert (made.feed.languages, made.feed.http_port, made.bluesky.version) == (["en"], 1, "1")


def test_the_unit_runs_the_source_with_its_arguments(tmp_path: Path) -> None:
    unit = rendered(
        "starling-feed.service.j2", tmp_path, starling_feed_source="x", starling_feed_arguments=["--unlimited"]
    ).read_text(encoding="utf-8")
    command = "/opt/starling-feed/current/bin/starling feed x --unlimited --config /etc/starling-feed/starling.toml"
    lines = set(unit.splitlines())
    assert {f"ExecStart={command}", "Type=notify", "WatchdogSec=30", "StateDirectory=starling-feed"} <= lines
    assert f"RestartPreventExitStatus={SettingsError.exit_code}" in lines


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_the_exposure_level_of_the_unit_is_at_most_2(tmp_path: Path) -> None:
    unit = rendered("starling-feed.service.j2", tmp_path)
    analysed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert analysed.returncode == 0, analysed.stdout + analysed.stderr


def test_prometheus_finds_each_feeder(tmp_path: Path) -> None:
    hosts = {"hub": {"ansible_host": "192.168.1.20"}, "six": {"starling_feed_address": "fd00::6"}}
    targets = yaml.safe_load(
        rendered_of("starling_feed", "targets.yml.j2", tmp_path, {"starling_feed": {"hosts": hosts}}).read_text(
            encoding="utf-8"
        )
    )
    assert [target["targets"] for target in targets] == [["192.168.1.20:9109"], ["[fd00::6]:9109"]]
    assert [target["labels"]["instance"] for target in targets] == ["hub", "six"]


def test_the_brokers_rules_let_senders_publish_posts_and_changes(tmp_path: Path) -> None:
    rules = rendered_of("mosquitto", "access.j2", tmp_path, mosquitto_senders={"feeder": "secret"}, mosquitto_nodes=[])
    lines = rules.read_text(encoding="utf-8").splitlines()
    assert {"user feeder", "topic write tweets/in", "topic write tweets/changes"} <= set(lines)
