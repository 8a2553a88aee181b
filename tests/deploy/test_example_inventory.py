"""The example inventory: TLS everywhere, and a script that makes the certificates."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.roles import ANSIBLE

EXAMPLE = ANSIBLE / "inventories" / "example"


def _variables() -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((EXAMPLE / "group_vars/all/main.yml").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    "variable",
    ["starling_broker_ca_certificate", "starling_http_certificate", "mosquitto_certificate", "grafana_certificate"],
)
def test_the_example_uses_tls(variable: str) -> None:
    variables = _variables()

    assert variables["starling_broker_tls"] is True
    assert str(variables[variable]).startswith("{{ inventory_dir }}/files/")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_script_makes_certificates_that_its_authority_verifies_for_name_and_address(tmp_path: Path) -> None:
    script = EXAMPLE / "files" / "make_certificates.sh"
    subprocess.run(["sh", script, "pi-1=192.168.1.21", "pi-6=fd00::6"], cwd=tmp_path, check=True, capture_output=True)

    for name, address in (("pi-1", "192.168.1.21"), ("pi-6", "fd00::6")):
        command = ["openssl", "verify", "-CAfile", "ca.pem", "-verify_hostname", name, "-verify_ip", address]
        done = subprocess.run([*command, f"{name}.pem"], cwd=tmp_path, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / f"{name}.key").stat().st_mode & 0o077 == 0
