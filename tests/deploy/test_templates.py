"""Rendered templates of the roles, checked by the programs that read them."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream.errors import SettingsError
from stream.settings import LimitSettings, Settings, load_settings
from tests.deploy.roles import ANSIBLE, PLAYBOOK, needs_ansible, read, rendered_of

pytestmark = needs_ansible

PASSWORDS = {"starling_broker_username": "pi-1", "starling_broker_password": 'a "secret"'}
TLS = {
    "starling_broker_tls": True,
    "starling_broker_ca_certificate": "ca.pem",
    "starling_broker_certificate": "node.pem",
    "starling_broker_key": "node.key",
    "starling_http_username": "prometheus",
    "starling_http_password": "secret",
    "starling_http_certificate": "http.pem",
    "starling_http_key": "http.key",
}


def rendered(template: str, folder: Path, **variables: Any) -> Path:
    """Render a template of the service's role with the role's defaults and the given variables."""
    return rendered_of("starling", template, folder, **variables)


def settings(folder: Path, **variables: Any) -> Settings:
    return load_settings(rendered("starling.toml.j2", folder, **variables))


def test_the_defaults_make_valid_settings(tmp_path: Path) -> None:
    made = settings(tmp_path)

    assert (made.node, made.http.host, made.broker.wait_at_start, made.broker.username) == (
        "localhost",
        "0.0.0.0",  # noqa: S104  (Prometheus is on another machine)
        True,
        None,
    )


def test_settings_name_certificates_and_passwords_where_the_role_puts_them(tmp_path: Path) -> None:
    made = settings(tmp_path, **PASSWORDS, **TLS)

    assert made.broker.password_file == Path("/etc/starling/secrets/broker-password")
    assert made.broker.certificate_file == Path("/etc/starling/tls/broker.pem")
    assert made.http.key_file == Path("/etc/starling/tls/http.key")


def test_further_settings_override_those_of_the_variables(tmp_path: Path) -> None:
    further = {"log_level": "debug", "broker": {"receive_maximum": 8}, "topics": {"response_prefixes": ["replies/ü"]}}

    made = settings(tmp_path, starling_settings=further, starling_broker_host="hub")

    assert (made.log_level, made.broker.receive_maximum, made.broker.host) == ("debug", 8, "hub")
    assert made.topics.response_prefixes == ["replies/ü"]


def test_settings_name_a_bundle_and_a_meter_by_their_links(tmp_path: Path) -> None:
    made = settings(tmp_path, starling_model_bundle="/srv/bundle", starling_meter=True)

    assert (made.model.path, made.power.port) == (Path("/opt/starling/model"), "/dev/starling-meter")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
@pytest.mark.parametrize("meter", [False, True])
def test_the_exposure_level_of_the_unit_is_at_most_2(tmp_path: Path, *, meter: bool) -> None:
    unit = rendered("starling.service.j2", tmp_path, starling_meter=meter, starling_power_chip=meter)

    analysed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )

    assert analysed.returncode == 0, analysed.stdout + analysed.stderr


def test_the_unit_without_a_meter_allows_no_device(tmp_path: Path) -> None:
    unit = rendered("starling.service.j2", tmp_path).read_text(encoding="utf-8")

    assert ("PrivateDevices=yes" in unit, "DeviceAllow" in unit) == (True, False)


def test_the_unit_restarts_unless_a_setting_is_wrong(tmp_path: Path) -> None:
    unit = rendered("starling.service.j2", tmp_path).read_text(encoding="utf-8")

    assert {"Restart=on-failure", f"RestartPreventExitStatus={SettingsError.exit_code}"} <= set(unit.splitlines())


def test_the_unit_writes_no_core_dump(tmp_path: Path) -> None:
    assert "LimitCORE=0\n" in rendered("starling.service.j2", tmp_path).read_text(encoding="utf-8")


def test_modemmanager_leaves_the_meter_alone(tmp_path: Path) -> None:
    rule = rendered("meter.rules.j2", tmp_path, starling_meter=True).read_text(encoding="utf-8")

    assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in rule


def test_a_roll_out_observes_longer_than_the_watchdog_needs_to_notice_a_hang(tmp_path: Path) -> None:
    unit = rendered("starling.service.j2", tmp_path).read_text(encoding="utf-8")
    watchdog = re.search(r"^WatchdogSec=(\d+)$", unit, re.MULTILINE)

    assert watchdog
    stuck = LimitSettings().stuck_seconds
    assert read("starling", "defaults/main.yml")["starling_watch_seconds"] > int(watchdog[1]) + stuck


def test_a_node_is_compared_with_nodes_that_are_not_switched_now(tmp_path: Path) -> None:
    hosts = {
        "pi-1": {},
        "pi-2": {"ansible_host": "192.168.1.22"},
        "pi-3": {"starling_address": "fd00::3", "starling_http_certificate": "http.pem", "starling_http_port": 9200},
    }
    nodes = {"starling": {"hosts": hosts}}

    peers = rendered_of("starling", "peers.j2", tmp_path, nodes, starling_batch=["pi-1"], starling_peers=list(hosts))

    assert peers.read_text(encoding="utf-8").split() == ["http://192.168.1.22:9108", "https://[fd00::3]:9200"]


def test_the_gate_of_a_node_without_peers_gets_no_options_of_peers(tmp_path: Path) -> None:
    role = ANSIBLE / "roles" / "starling"
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "peers.j2").write_bytes((role / "templates" / "peers.j2").read_bytes())
    (tmp_path / "options.j2").write_text("{{ starling_peer_options | to_json }}", encoding="utf-8")
    result = tmp_path / "options.json"
    task = {"ansible.builtin.template": {"src": str(tmp_path / "options.j2"), "dest": str(result)}}
    files = [str(role / "defaults/main.yml"), str(role / "vars/main.yml")]
    play = {"hosts": "localhost", "gather_facts": False, "vars_files": files, "tasks": [task]}
    (tmp_path / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    variables: dict[str, object] = {"starling_batch": ["localhost"], "starling_peers": ["localhost"]}
    variables |= {"ansible_python_interpreter": sys.executable, "role_path": str(role)}

    command: list[str | Path] = [
        PLAYBOOK,
        "--inventory",
        "localhost,",
        "--connection",
        "local",
        "play.yml",
        "--extra-vars",
        json.dumps(variables),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert json.loads(result.read_text(encoding="utf-8")) == []


def test_prometheus_reads_nodes_with_ipv6_addresses(tmp_path: Path) -> None:
    hosts = {"pi-1": {"ansible_host": "fd00::1"}, "pi-2": {"ansible_host": "192.168.1.22"}}

    targets = rendered_of(
        "prometheus", "targets.yml.j2", tmp_path, {"starling": {"hosts": hosts}}, prometheus_nodes=list(hosts)
    )

    found = yaml.safe_load(targets.read_text(encoding="utf-8"))
    assert [each["targets"] for each in found] == [["[fd00::1]:9108"], ["192.168.1.22:9108"]]


def test_the_brokers_rules_give_a_user_the_topics_of_its_node(tmp_path: Path) -> None:
    hosts = {"pi-1": {"starling_broker_username": "kitchen", "starling_broker_password": "secret"}}

    rules = rendered_of("mosquitto", "access.j2", tmp_path, {"starling": {"hosts": hosts}}, mosquitto_nodes=["pi-1"])

    assert "user kitchen\n" in rules.read_text(encoding="utf-8")
    assert "topic readwrite starling/pi-1/+\n" in rules.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_accepts_the_service_and_the_timer_of_a_node_that_pulls(tmp_path: Path) -> None:
    ansible_pull = PLAYBOOK.with_name("ansible-pull")
    (tmp_path / "pull/venv/bin").mkdir(parents=True)
    (tmp_path / "pull/venv/bin/ansible-pull").symlink_to(ansible_pull)
    variables = {
        "starling_pull_url": "https://git.example.org/fleet.git",
        "starling_pull_root": str(tmp_path / "pull"),
        "starling_pull_vault_password": "secret",
    }
    units = [
        rendered_of("starling_pull", f"starling-pull.{kind}.j2", tmp_path, None, **variables)
        for kind in ("service", "timer")
    ]

    verified = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)

    assert (verified.returncode, verified.stderr) == (0, "")
    service = units[0].read_text(encoding="utf-8")
    assert "--verify-commit" in service
    assert "secret" not in service
