"""Rendered templates of the roles, checked by the programs that read them."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stream.errors import SettingsError
from stream.settings import Settings, load_settings
from tests.deploy.roles import PLAYBOOK, rendered_of

pytestmark = pytest.mark.skipif(not PLAYBOOK.exists(), reason="needs ansible-core, which `make test-fleet` installs")

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
